/** What people ask for: checked, saved with their name, and then left to the loop. */
import type { Asked, Operations } from '../api/operations.ts'
import type { ExaminerClient } from '../verification/client.ts'
import { applyManifest } from './apply.ts'
import { captureOperations } from './capture.ts'
import { nearest } from '../config/nearest.ts'
import { ProblemError } from '../ipc/problem.ts'
import { apply, begin, settle } from '../release/commands.ts'
import { holdText } from '../release/holds.ts'
import { isEnd } from '../release/release.ts'
import type { Release, Service } from '../release/release.ts'
import { releaseCan } from '../release/release-can.ts'
import type { Refusal } from '../release/release-can.ts'
import { findIn, refused } from './find.ts'
import type { Curves } from './curves/curves.ts'
import { curveOperations } from './curves/curve-operations.ts'
import { openMetrics } from './metrics/metrics.ts'
import { takeFeedback } from './watch/feedback.ts'
import { freezeOperations, freezesOf } from './freeze.ts'
import { holdsBy } from './holds.ts'
import { ledgerView } from './ledger/ledger.ts'
import { planView } from './planning/plan-view.ts'
import type { Plan } from './plan.ts'
import { leasesIn, poolRoom } from './pools.ts'
import { checkSize, eachOf, evictsOf, noRoom, roomFor } from './planning/room.ts'
import type { Machine } from './planning/room.ts'
import { recordOperations } from './record/record.ts'
import type { RecordBounds } from './record/record.ts'
import type { NewEvent } from '../storage/events.ts'
import type { Registry } from './versions/registry.ts'
import { todayOf } from './planning/today.ts'
import { tokenOperations } from './tokens.ts'
import { releaseView, serviceView } from './views.ts'
import { versionOperations } from './versions/versions.ts'
import type { ViewSources } from './views.ts'

export function operationsOf(
  sources: ViewSources & {
    registry: Registry
    curves: Pick<Curves, 'ofService' | 'ofRelease'>
    examiner: ExaminerClient
    notReady: () => readonly string[]
    notifications: Operations['notifications']
    /** Signs request ids; the gateway has made it. */
    requestKey: () => Buffer
    manifestPath: string
    /** Keeps the text of an applied manifest for a controller that starts again; the answer puts it in place. */
    keep: (text: string) => () => void
    bounds: RecordBounds
    dataDirectory: string
    /** Versions that nobody needs any more leave the registry. */
    retain: () => void
    /** The actor of the first token. */
    firstAdmin: string
  },
): Operations {
  const { rows, store, controller, registry, now } = sources
  const { present, everKnown, findService, findRelease, findServiceOrRelease, findTarget } =
    findIn(sources)
  const {
    resolve,
    holderOf: _,
    ...versions
  } = versionOperations({ store, registry, now, find: findService })

  return {
    names: () => rows.names(),
    service: (name) => serviceView(sources, findService(name)),
    open: (name) => sources.gateway.open(findService(name).name),
    metrics: openMetrics({
      ...sources,
      services,
      costOf: (name) => ledgerView(store, name, now().wall),
      now: () => now().wall,
    }),
    release: (id) => view(findRelease(id)),
    curves: curveOperations({ ...sources, named: (name) => findService(name).name, findRelease }),
    releases: (name, limit, after) =>
      store.services.releases(everKnown(name), limit, after).map(view),
    events: (after, service, limit) => store.events.after(after, service, limit),
    eventsOf: (id, after, limit) => store.events.pageOfRelease(findRelease(id).id, after, limit),
    cost: (name) => ledgerView(store, everKnown(name), now().wall),
    plan: async (name, named, { find, ...whatIf }) => {
      const service = findService(name)
      const { version, alias } = resolve(service, named)
      const asked = await registry.planFor(service.name, version)
      const [hold] = holdsBy(asked.plan.rules, now(), freezesOf(sources, service.name))
      const held = hold === undefined ? null : holdText(hold, service.name, now().wall)
      const today = todayOf(sources, service, asked.plan)
      const pool = poolRoom(
        asked.plan.shared,
        service.name,
        leasesIn(sources.provider.look(), rows.find),
      )
      const evicts = evictsOf(controller.lastSeen(service.name)?.seen ?? null)
      const machine = machineNow()
      return {
        ...planView(service, version, {
          ...asked,
          find,
          today,
          held,
          machine,
          evicts,
          pool,
          whatIf,
        }),
        alias,
      }
    },
    versions: {
      ...versions,
      add: async (name, asked, by) => {
        const view = await versions.add(name, asked, by)
        sources.retain()
        return view
      },
    },
    notReady: sources.notReady,
    apply: async (asked, by) => {
      const poke = (service: string) => controller.poke(service)
      const view = await applyManifest({ ...sources, poke }, asked, by)
      if (view.applied) sources.retain()
      return view
    },
    notifications: sources.notifications,
    capture: captureOperations({ ...sources, named: (name) => findService(name).name }),
    freezes: freezeOperations({
      ...sources,
      named: (name) => findService(name).name,
      changed: () => rows.names().forEach((name) => controller.poke(name)),
    }),
    feedback: (asked, by) => takeFeedback({ store, now, key: sources.requestKey }, asked, by),
    tokens: tokenOperations(sources),
    record: recordOperations(sources),
    deploy,

    command: async (target, command, asked, by) => {
      const { service, release } = findTarget(target)
      if (!asked.reason?.trim() && (command === 'promote' || asked.gate !== null))
        throw needsReason(command, release.id, asked.gate)
      const applied = apply(
        service,
        release.id,
        { command, by, reason: asked.reason, skipGate: checkedGate(release, asked.gate) },
        now(),
      )
      if ('refused' in applied) throw refused(applied.refused)
      saveCommand(applied.service, applied.ended, release, command, asked, by)
      return view(findRelease(release.id))
    },

    rollback: async (target, asked, by) => {
      const { service, release } = findServiceOrRelease(target)
      const to = asked.to === null ? null : resolve(service, asked.to)
      if (asked.to !== null && to !== null && to.version !== service.standby?.version) {
        if (asked.hard)
          throw new ProblemError({
            status: 400,
            code: 'wrong-body',
            title: `hard moves everything to the standby now, and ${to.version} is not the standby: it has to be brought up first`,
            hint: `beryl rollback ${service.name} --to ${asked.to}`,
          })
        const kind = 'rollback' as const
        return deploy(
          service.name,
          { version: asked.to, kind, replace: true, keepStandby: false },
          by,
        )
      }
      const active = release ?? service.release
      if (active === null || active.id !== service.release?.id) throw refused(noStandby(service))
      const applied = apply(
        service,
        active.id,
        { command: 'rollback', by, reason: asked.reason, skipGate: null, hard: asked.hard },
        now(),
      )
      if ('refused' in applied) throw refused(applied.refused)
      const saved = { ...asked, ...(to === null ? {} : { to: to.version, alias: to.alias }) }
      saveCommand(applied.service, applied.ended, active, 'rollback', saved, by)
      return view(findRelease(active.id))
    },

    retry: async (target, by) => {
      const found = findServiceOrRelease(target)
      const release = found.release ?? store.services.releases(found.service.name, 1)[0]
      if (release === undefined)
        throw refused({
          code: 'no-release',
          reason: `${target} has no release yet`,
          hint: `beryl deploy ${target} VERSION`,
        })
      const refusal = releaseCan('retry', release, found.service)
      if (refusal) throw refused(refusal)
      return deploy(
        release.service,
        {
          version: release.bundle.version,
          kind: release.kind,
          replace: false,
          keepStandby: release.keepsStandby === true,
        },
        by,
      )
    },
  }

  function services() {
    return rows.names().map((name) => serviceView(sources, findService(name)))
  }

  async function deploy(
    name: string,
    {
      version: named,
      kind,
      replace,
      keepStandby,
      replicas: small = null,
    }: Parameters<Operations['deploy']>[1],
    by: string,
  ): Promise<ReturnType<typeof view>> {
    // An alias means what it means now, whatever becomes of it while the files are read.
    const { version, alias } = resolve(findService(name), named)
    const { bundle, plan } = await registry.bundle(name, version, {
      // The way back asks no golden set, and a broken one must not bar it.
      files: kind === 'rollback' ? 'left out' : 'read',
    })
    // From here on nothing waits: the row that is read is the row that is changed.
    const service = settle(findService(name))
    if (registry.versionOf(name, version) === null)
      throw refused({
        code: 'no-such-version',
        reason: `${version} left the registry of ${name} meanwhile`,
        hint: `beryl versions ${name}`,
      })
    // In `stabilizing` it would end the ladder, and with it the way back, for nothing.
    const isSettled = service.release === null || service.release.phase.name === 'stabilizing'
    if (service.live?.digest === bundle.digest && kind !== 'verify' && isSettled) {
      throw refused({
        code: 'already-live',
        reason: `${version} (${bundle.digest.slice(0, 19)}…) is live already`,
        hint: `beryl status ${name}`,
      })
    }
    checkSize(name, bundle.replicas, { kind, replicas: small })
    checkRoom(service, version, { kind, plan, replicas: small ?? bundle.replicas })
    const release: Release = {
      id: store.services.nextReleaseId(),
      service: name,
      kind,
      bundle: small === null ? bundle : { ...bundle, replicas: small },
      ...(small === null ? {} : { small: true as const }),
      ...(alias === null ? {} : { alias }),
      from: service.live,
      rules: plan.rules,
      by,
      at: now().wall,
      step: 0,
      phase: { name: 'queued', since: now() },
      ...(keepStandby ? { keepsStandby: true as const } : {}),
      paused: null,
      approvals: [],
      skipped: [],
      accepted: null,
    }
    const applied = begin(service, release, replace, now())
    if ('refused' in applied) throw refused(applied.refused)
    const text = `${by} asked to ${kind === 'rollback' ? 'roll back to' : kind} ${version}${alias === null ? '' : ` (@${alias})`} as ${release.id}`
    rows.save({
      next: applied.service,
      ended: applied.ended,
      added: { release, plan },
      events: [
        {
          at: now().wall,
          service: name,
          release: release.id,
          kind: 'command',
          by,
          text,
          data: { command: kind, version, alias, digest: bundle.digest },
        },
        ...endOf(applied.ended, by),
      ],
    })
    controller.poke(name)
    return view(release)
  }

  /** Said before anything is started, with what still protects; a way back is not held up by it. */
  function checkRoom(
    service: Service,
    version: string,
    { kind, plan, replicas }: { kind: Release['kind']; plan: Plan; replicas: number },
  ): void {
    const { template } = plan
    if (kind === 'rollback' || template.provider === 'external') return
    const isOnLadder = service.release?.phase.name === 'stabilizing'
    const room = roomFor(machineNow(), {
      service: service.name,
      version,
      replicas: kind === 'verify' ? replicas : Math.max(replicas, service.live?.replicas ?? 0),
      each: eachOf(plan, kind),
      clears: isOnLadder ? (service.standby?.release ?? null) : null,
    })
    // One that waits may find room when its turn comes.
    if (room === null || room.fits || (service.release !== null && !isOnLadder)) return
    throw noRoom(room, service.name, version)
  }

  function machineNow(): Machine {
    const { provider } = sources
    const holders = provider.look().filter((one) => one.provider === 'process')
    return { ...registry.machine(), slots: provider.slots(), holders }
  }

  function saveCommand(
    next: Service,
    ended: Release | null,
    release: Release,
    command: string,
    asked: Asked,
    by: string,
  ): void {
    const text = `${by}: ${command} ${release.id}${asked.reason === null ? '' : ` (${asked.reason})`}`
    const events: NewEvent[] = [
      {
        at: now().wall,
        service: release.service,
        release: release.id,
        kind: 'command',
        by,
        text,
        data: { command, ...asked },
      },
    ]
    if (command === 'rollback') {
      const why = asked.reason ?? 'no reason given'
      events.push({
        ...events[0]!,
        kind: 'phase',
        text: `${release.id} is rolling-back: ${why}`,
        data: { phase: 'rolling-back', because: why },
      })
    }
    events.push(...endOf(ended, by))
    rows.save({ next, ended, events, mayGoUnwritten: command === 'rollback' })
    controller.poke(release.service)
  }

  /** One that never left the queue is ended by the command alone: no walk of the loop says so. */
  function endOf(ended: Release | null, by: string): NewEvent[] {
    if (ended === null || !isEnd(ended.phase)) return []
    const { id, service, bundle, phase } = ended
    const text = `${id} (${bundle.version}) is ${phase.name}: ${phase.because}`
    const data = { phase: phase.name, because: phase.because, step: ended.step }
    return [{ at: now().wall, service, release: id, kind: 'phase', by, text, data }]
  }

  function view(release: Release) {
    return releaseView(sources, release, present(release.service))
  }
}

function checkedGate(release: Release, gate: string | null): string | null {
  if (gate === null || release.rules.gates.some(({ name }) => name === gate)) return gate
  const names = release.rules.gates.map(({ name }) => name)
  throw new ProblemError({
    status: 404,
    code: 'no-such-gate',
    title: `${release.id} has no gate ${gate}${nearest(gate, names)}`,
    hint: `its gates: ${names.join(', ') || 'none'}`,
  })
}

function needsReason(command: string, id: string, gate: string | null): ProblemError {
  const force = gate === null ? '' : ` --force ${gate}`
  return new ProblemError({
    status: 400,
    code: 'needs-reason',
    title: `${command}${force} goes on without evidence and needs a reason: it is recorded with your name`,
    hint: `beryl ${command} ${id}${force} --reason WHY`,
  })
}

function noStandby(service: Service): Refusal {
  return {
    code: 'no-standby',
    reason: `${service.name} has no standby to go back to`,
    hint:
      service.live === null
        ? `beryl deploy ${service.name} VERSION`
        : `beryl rollback ${service.name} --to VERSION`,
  }
}
