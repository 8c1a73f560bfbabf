/** Runs the gates of a release in the examiner and journals every verdict, keyed by release, gate and attempt. */
import { log } from '../../log.ts'
import { elapsedS } from '../../release/clock.ts'
import { gatesTaken } from '../../release/gates.ts'
import { gateAttemptsMax, isLastAttempt } from '../../release/next-actions.ts'
import type { Actor, GateState, Now, Release, Service } from '../../release/release.ts'
import { colourOf } from '../../release/roles.ts'
import type { NewEvent } from '../../storage/events.ts'
import type { StoredGate } from '../../storage/gates.ts'
import type { ExaminerClient } from '../../verification/client.ts'
import type { GateSpec, Target } from '../../verification/gate.ts'
import type { ReplicaSeen } from '../../providers/provider.ts'
import { unsealed } from '../../secrets/by-name.ts'
import { peakOf } from '../watch/peaks.ts'
import type { Plan } from '../plan.ts'
import { withRenames } from './served-name.ts'
import type { ControllerStore } from '../store.ts'

export type Gates = ReturnType<typeof gatesOf>

/** Beyond its own limit a gate gets this long before the controller calls it undecided. */
const gateOverrunS = 30

/** For the peak of a day: whichever of them was live then. */
const releasesLookedAt = 20

/** Only here a gate may run: a release that was aborted, or whose gate was skipped, sends nobody any more requests. */
const tested: readonly string[] = ['warming', 'verifying']

export function gatesOf({
  store,
  examiner,
  now,
}: {
  store: ControllerStore
  examiner: Pick<ExaminerClient, 'start' | 'look' | 'cancel'>
  now: () => Now
}) {
  /** How far the running gate of each release is: for people who look now, not for the record. */
  const progress = new Map<string, string>()

  /** One entry for each gate of the release, in order. */
  const states = (release: Release): GateState[] => {
    const stored = store.gates.of(release.id)
    return gatesTaken(release).taken.map(({ name }): GateState => {
      const state = stored.find((one) => one.state.name === name)?.state
      if (state === undefined) return { name, state: 'waiting' }
      if (state.state !== 'running') return state
      const { attempt } = state
      return {
        name,
        state: 'running',
        attempt,
        progress: progress.get(release.id) ?? 'running',
      }
    })
  }

  return {
    states,

    /** Asks the examiner how the running gate does. Answers all states as they are now. */
    async refresh(
      release: Release,
      plan: Plan,
      replicas: readonly ReplicaSeen[],
      begin: (gate: string, attempt: number) => Promise<void>,
    ): Promise<GateState[]> {
      const own = replicas.filter((one) => one.release === release.id && isAsked(release, one))
      for (const stored of store.gates.of(release.id)) {
        if (stored.state.state !== 'running') continue
        if (tested.includes(release.phase.name))
          await refreshOne(release, plan, stored, { running: stored.state, own, begin })
        else await callOff(release, stored.state)
      }
      return states(release)
    },

    /** Starts one attempt; asking twice changes nothing. Journalled as running first: whatever happens next, it is looked after. */
    async begin(
      service: Service,
      release: Release,
      plan: Plan,
      replicas: readonly ReplicaSeen[],
      gate: string,
      attempt: number,
    ): Promise<void> {
      const spec = plan.gates[gate]
      if (spec === undefined)
        throw new Error(`${release.id} has no gate ${gate} in its plan; this is a bug in Beryl`)
      const onSpot = spotIn(replicas.filter((one) => one.release === release.id))
      store.gates.put(release.id, {
        state: { name: gate, state: 'running', attempt, since: now() },
        startedAt: now().wall,
        ...(onSpot.length === 0 ? {} : { onSpot }),
      })
      const candidate = target(
        replicas.filter((one) => isAsked(release, one)),
        service,
        release,
        colourOf(service, 'candidate')!,
        release.bundle.version,
        plan.template,
      )
      const colour = colourOf(service, 'live')
      const livePlan = service.live === null ? null : store.services.plan(service.live.release)
      const live =
        service.live === null || colour === null
          ? null
          : target(
              replicas,
              service,
              { id: service.live.release },
              colour,
              service.live.version,
              livePlan?.template,
            )
      await examiner.start(release.id, gate, attempt, {
        service: service.name,
        // Secrets stand in a plan by name.
        spec: unsealed(withPeak(spec, service.name)),
        ...withRenames(
          { target: candidate, plan },
          live === null ? null : { target: live, plan: livePlan },
        ),
      })
    },
  }

  /** A share of the peak is of what is known when the gate begins. */
  function withPeak(spec: GateSpec, service: string): GateSpec {
    if (spec.kind !== 'load' || 'perSecond' in spec.rate) return spec
    const peaks = store.services
      .releases(service, releasesLookedAt)
      .map(({ id }) => store.traffic.times(service, id)?.peaks)
    return { ...spec, rate: { ...spec.rate, peak: peakOf(peaks, now().wall) } }
  }

  async function refreshOne(
    release: Release,
    plan: Plan,
    stored: StoredGate,
    {
      running,
      own,
      begin,
    }: {
      running: GateState & { state: 'running' }
      own: readonly ReplicaSeen[]
      begin: (gate: string, attempt: number) => Promise<void>
    },
  ): Promise<void> {
    const { name, attempt } = running
    const answer = await examiner
      .look(release.id, name, attempt)
      .catch((error: unknown) => error as Error)
    // An older Beryl kept wall time only; a clock that knows no boot falls back to it.
    const since = running.since ?? { wall: stored.startedAt, up: Infinity }
    const overdue = elapsedS(since, now()) > (plan.gates[name]?.withinS ?? 0) + gateOverrunS
    if (answer instanceof Error || answer === null) {
      if (overdue)
        return decide(
          release,
          running,
          undecided(`no verdict ${gateOverrunS} s after its time limit`),
        )
      if (answer instanceof Error)
        return void progress.set(release.id, 'the examiner does not answer; it is being restarted')
      if (isLastAttempt(attempt))
        return decide(
          release,
          running,
          undecided(`the examiner lost it ${gateAttemptsMax} times while it ran`),
        )
      log.warn(
        { release: release.id, gate: name, attempt },
        'the examiner lost a gate; it is taken again',
      )
      return begin(name, attempt + 1)
    }
    if (answer.state === 'decided') {
      if (answer.verdict === 'pass' || !isTakenFrom(stored, own))
        return decide(release, running, answer)
      const what = 'what it asked on spot capacity was taken away while it ran'
      if (isLastAttempt(attempt))
        return decide(release, running, undecided(`${what}, ${gateAttemptsMax} times`))
      if (readyIn(own) < release.bundle.replicas)
        return void progress.set(release.id, `${what}; it is taken again once there is another`)
      log.warn({ release: release.id, gate: name, attempt }, `${what}; it is taken again`)
      return begin(name, attempt + 1)
    }
    if (overdue) {
      await examiner.cancel(release.id).catch(() => undefined)
      return decide(
        release,
        running,
        undecided(`still running ${gateOverrunS} s after its time limit (${answer.progress})`),
      )
    }
    progress.set(release.id, answer.progress)
  }

  /** Where the examiner does not answer it is asked again with the next look. */
  async function callOff(release: Release, running: { name: string; attempt: number }) {
    const because = `called off: the release is ${release.phase.name}`
    if (
      await examiner.cancel(release.id).then(
        () => true,
        () => false,
      )
    )
      decide(release, running, undecided(because))
  }

  function decide(
    release: Release,
    { name, attempt }: { name: string; attempt: number },
    said: Said,
  ): void {
    const { verdict, evidence } = said
    const dryRun = release.rules.gates.some((gate) => gate.name === name && gate.dryRun === true)
    const because = dryRun ? `dry run, it decides nothing: ${said.because}` : said.because
    const at = now().wall
    progress.delete(release.id)
    store.gates.put(release.id, {
      startedAt: at,
      state: { name, state: 'decided', attempt, at, verdict, because, evidence },
    })
    store.events.add(gateEvent(release, name, { verdict, because, evidence }, at, 'beryl'))
  }
}

/** Before its switch a candidate gets on-demand replicas; from then on only they are asked. */
function isAsked(release: Release, replica: ReplicaSeen): boolean {
  return (
    release.onDemand === undefined || replica.release !== release.id || replica.spot === undefined
  )
}

/** Those that are ready on spot capacity, each with how often it was lost until now. */
function spotIn(own: readonly ReplicaSeen[]): string[] {
  return own.flatMap(({ id, spot, state }) =>
    spot === undefined || state.name !== 'ready' ? [] : [`${id} ${spot.lost}`],
  )
}

/** Is one of them not what it was when the gate began? Then what failed may have been the capacity, and not the version. */
function isTakenFrom({ onSpot = [] }: StoredGate, own: readonly ReplicaSeen[]): boolean {
  const now = spotIn(own)
  return onSpot.some((one) => !now.includes(one))
}

function readyIn(own: readonly ReplicaSeen[]): number {
  return own.filter(({ state }) => state.name === 'ready').length
}

type Said = {
  verdict: 'pass' | 'fail' | 'undecided'
  because: string
  evidence: Record<string, unknown>
}

function undecided(because: string): Said {
  return { verdict: 'undecided', because, evidence: {} }
}

function gateEvent(
  release: Release,
  gate: string,
  { verdict, because, evidence }: Said,
  at: number,
  by: Actor,
): NewEvent {
  return {
    at,
    service: release.service,
    release: release.id,
    kind: 'gate',
    by,
    text: `gate ${gate} says ${verdict}: ${because}`,
    data: { gate, verdict, evidence },
  }
}

function target(
  replicas: readonly ReplicaSeen[],
  service: Service,
  release: { id: string },
  environment: string,
  version: string,
  looks: Pick<Plan['template'], 'tls' | 'speaks'> | undefined,
): Target {
  const addresses = replicas
    .filter(
      (replica) =>
        replica.service === service.name &&
        replica.release === release.id &&
        replica.environment === environment &&
        replica.state.name === 'ready',
    )
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  const { tls, speaks } = looks ?? {}
  const reach = { ...(speaks && { speaks }), ...(tls && { tls }) }
  return { version, environment, addresses, ...((tls ?? speaks) ? { reach } : {}) }
}
