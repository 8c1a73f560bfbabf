/** The loop: look → advance → save → make it so. One walk at a time for each service. */
import type { GatewayState } from '../gateway/control.ts'
import { log } from '../log.ts'
import { advance } from '../release/advance.ts'
import type { Move } from '../release/move.ts'
import { settle } from '../release/commands.ts'
import { enter } from '../release/enter.ts'
import { rungText, weakened } from '../release/ladder.ts'
import { nextActions } from '../release/next-actions.ts'
import { isEnd } from '../release/release.ts'
import type { Release, Service } from '../release/release.ts'
import { isGone } from '../release/remove.ts'
import type { Seen } from '../release/seen.ts'
import { liveOnSpot } from '../release/spot.ts'
import type { NewEvent } from '../storage/events.ts'
import { isBusy } from './busy.ts'
import { freezesOf } from './freeze.ts'
import { holdsOf } from './holds.ts'
import { seenOf } from './look.ts'
import { keepTap } from './watch/tap.ts'
import { shareLook } from './share-look.ts'
import { tellOf } from './record/tell.ts'
import { makeItSo } from './make-it-so.ts'
import type { Hands } from './make-it-so.ts'
import { missedMove } from './missed-move.ts'
import { leasesIn, placesIn } from './pools.ts'
import type { Watching } from './watch/watching.ts'

/** While something is under way, and while nothing is. */
const busyTickMs = 100
const idleTickMs = 1000

/** A release never makes more moves than this in one look: more would be a loop. */
const movesPerTickMax = 12

export type Controller = {
  /** Look again now: something has changed. */
  poke(service: string): void
  start(): void
  /** Ends after the walk that is under way. */
  stop(): Promise<void>
  waitingFor(service: string): string | null
  problems(service: string): readonly string[]
  lastSeen(service: string): { seen: Seen; gateway: GatewayState | null } | null
  /** The gateway has been told once of every service: what is not live yet is said so, and not unknown. */
  hasRouted(): boolean
}

export function createController(hands: Hands & { watching: Watching }): Controller {
  const { rows, now } = hands
  const waits = new Map<string, string>()
  /** By when at the latest something is due, if that is soon. */
  const dueMs = new Map<string, number>()
  const troubles = new Map<string, string[]>()
  const lastSeen = new Map<string, { seen: Seen; gateway: GatewayState | null }>()
  const loops = new Map<string, { wake: () => void; done: Promise<void> }>()
  const tell = tellOf(hands)
  const gatewayState = shareLook(() => hands.gateway.state())
  /** Services that were walked with a gateway that answered. */
  const walked = new Set<string>()
  let stopped = false

  return {
    poke: (service) => {
      if (!loops.has(service)) run(service)
      loops.get(service)?.wake()
    },
    start: () => {
      for (const name of rows.walked()) run(name)
    },
    stop: async () => {
      stopped = true
      for (const { wake } of loops.values()) wake()
      await Promise.all([...loops.values()].map(({ done }) => done))
    },
    waitingFor: (service) => waits.get(service) ?? null,
    problems: (service) => troubles.get(service) ?? [],
    lastSeen: (service) => lastSeen.get(service) ?? null,
    hasRouted: () => rows.names().every((name) => walked.has(name)),
  }

  function run(name: string): void {
    if (stopped || loops.has(name)) return
    const loop = { poked: false, wake: () => {} }
    const sleep = (ms: number) =>
      new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, loop.poked || stopped ? 0 : ms)
        loop.wake = () => {
          loop.poked = true
          clearTimeout(timer)
          resolve()
        }
      })
    const walk = async () => {
      while (!stopped && rows.find(name)?.removing?.goneAt === undefined) {
        loop.poked = false
        const broken = await tick(name).catch((error: unknown) => trouble(name, 'tick', error))
        const isAway = lastSeen.get(name)?.gateway == null
        // One that cannot be walked must not keep the others from being served.
        if (!isAway || broken === true) walked.add(name)
        const tickMs = isBusy(rows.find(name)) || isAway ? busyTickMs : idleTickMs
        await sleep(Math.min(tickMs, dueMs.get(name) ?? tickMs))
      }
      loops.delete(name)
    }
    const handle = {
      wake: () => {
        loop.poked = true
        loop.wake()
      },
      done: walk(),
    }
    loops.set(name, handle)
  }

  async function tick(name: string): Promise<void> {
    const seen = await look(name)
    const service = step(name, seen)
    const version = rows.version(name)
    const found: string[] = []
    for (const action of nextActions(service, seen, now())) {
      // A command came in between: what was planned before it is void.
      if (rows.version(name) !== version) break
      const before = rows.version(name)
      await makeItSo(hands, rows.find(name)!, action).catch((error: unknown) => {
        found.push(`${action.do}: ${(error as Error).message}`)
      })
      if (rows.version(name) !== before) break
    }
    await keepTap(hands, rows.find(name)!, lastSeen.get(name)?.gateway ?? null).catch(
      (error: unknown) => found.push(`tap: ${(error as Error).message}`),
    )
    report(name, found)
  }

  async function look(name: string): Promise<Seen> {
    const service = rows.find(name)!
    const gateway = await gatewayState().catch((error: unknown) => {
      log.warn({ error: (error as Error).message }, 'the gateway does not answer')
      return null
    })
    await hands.watching.take(gateway)
    const release = service.release
    const gates =
      release === null
        ? []
        : await hands.gates.refresh(
            release,
            hands.store.services.plan(release.id)!,
            hands.provider.look(),
            beginAgain(name, release.id),
          )
    const guard = release === null ? null : hands.watching.judge(release)
    const wanted = { route: hands.routeOf(name), rules: hands.rulesOf(name) }
    const holds = holdsOf(service, now(), () => freezesOf(hands, name))
    const replicas = hands.provider.look()
    const peak = hands.watching.peak(service)
    const places = placesIn(leasesIn(replicas, rows.find))
    const seen = seenOf(name, { replicas, gateway, gates, guard, wanted, holds, peak, places })
    lastSeen.set(name, { seen, gateway })
    return seen
  }

  function beginAgain(name: string, id: string) {
    return async (gate: string, attempt: number) => {
      const service = rows.find(name)!
      const { release } = service
      // A command came in while the examiner was asked: this gate is nobody's any more.
      if (release?.id !== id) return
      await hands.gates.begin(
        service,
        release,
        hands.store.services.plan(release.id)!,
        hands.provider.look(),
        gate,
        attempt,
      )
    }
  }

  /** Decides and saves, until there is something to wait for. No `await`: a command cannot come in between. */
  function step(name: string, seen: Seen): Service {
    dueMs.delete(name)
    for (let moves = 0; moves < movesPerTickMax; moves++) {
      const service = rows.find(name)!
      const release = service.release
      if (release === null) {
        waits.delete(name)
        return isGone(service, seen) ? putToRest(service) : service
      }
      if (isEnd(release.phase)) {
        rows.save({ next: settle(service), ended: release, events: [] })
        continue
      }
      const move = advance(service, release, withLimits(service, seen), now())
      if ('waitingFor' in move) {
        waits.set(name, move.waitingFor)
        tell.waiting(release, move.waitingFor)
        if (move.againS !== undefined) dueMs.set(name, Math.max(1, move.againS * 1000))
        return service
      }
      save(service, release, move, seen)
    }
    throw new Error(`${name} made ${movesPerTickMax} moves in one look; this is a bug in Beryl`)
  }

  /** Counted in the same breath as what they limit: two services must not both take the last place. */
  function withLimits(service: Service, seen: Seen): Seen {
    const crowd = service.release?.phase.name === 'queued' ? hands.crowdOf(service.name) : null
    return { ...seen, spent: hands.spentOf(service), ...(crowd === null ? {} : { crowd }) }
  }

  /** Its row stays: generations go on if the name comes back. */
  function putToRest(service: Service): Service {
    const { name, removing } = service
    const at = now().wall
    const next = { ...service, removing: { ...removing!, goneAt: at } }
    const text = `service ${name} is gone: its replicas have stopped; its record stays`
    const event = { at, service: name, release: null, kind: 'command', by: 'beryl', text, data: {} }
    rows.save({ next, events: [event] })
    return next
  }

  function save(service: Service, release: Release, move: Move, seen: Seen): void {
    const next = enter(service, release, move, now())
    const entered = next.release!
    if (entered.phase.name === 'switching' && entered.phase.step === 1)
      hands.watching.begin(entered)
    const event = phaseEvent(entered, move, seen)
    const events = hands.store.events.ofRelease(release.id)
    const missed = missedMove(release, move, { events, at: now().wall })
    rows.save({
      next,
      ended: isEnd(entered.phase) ? entered : null,
      events: missed === null ? [event] : [missed, event],
      mayGoUnwritten: move.to === 'rolling-back',
    })
    log.info({ service: service.name, release: release.id, phase: entered.phase.name }, event.text)
  }

  function phaseEvent(release: Release, move: Move, seen: Seen): NewEvent {
    const { phase } = release
    const because = 'why' in move ? move.why : move.because
    const by = move.to === 'rolling-back' ? move.by : 'beryl'
    const text = `${release.id} (${release.bundle.version}) is ${phase.name}: ${because}`
    const evidence = {
      ...rungIn(release),
      ...drillOf(release, move),
      step: release.step,
      gates: seen.gates,
      guard: seen.guard,
      watch: hands.watching.view(release)?.evidence ?? null,
      rules: release.rules,
    }
    return {
      at: now().wall,
      service: release.service,
      release: release.id,
      kind: isAlarm(move) ? 'alarm' : 'phase',
      by,
      text,
      data: { phase: phase.name, because, ...evidence },
    }
  }

  function trouble(name: string, what: string, error: unknown): true {
    report(name, [`${what}: ${(error as Error).message}`])
    return true
  }

  /** Said once when it begins and once when it is over: a log that repeats itself hides what matters. */
  function report(name: string, found: string[]): void {
    const before = troubles.get(name) ?? []
    for (const problem of found)
      if (!before.includes(problem)) log.error({ service: name }, problem)
    if (before.length > 0 && found.length === 0) log.info({ service: name }, 'recovered')
    troubles.set(name, found)
    const away = lastSeen.get(name)?.gateway === null ? ['the gateway does not answer'] : []
    const seen = lastSeen.get(name)?.seen
    const service = rows.find(name)
    const weak = seen === undefined || service === null ? null : weakened(service, seen)
    const onSpot =
      seen === undefined || service === null ? null : liveOnSpot(service, seen.replicas)
    const all = [...found, ...away, ...[weak, onSpot].filter((one) => one !== null)]
    tell.problems(name, all, service?.release ?? null)
  }
}

/** On which the standby stands from here on: the ledger says what each of them saved. */
function rungIn({ phase, rules }: Release): object {
  if (phase.name !== 'stabilizing') return {}
  const rung = rules.standby[phase.rung]
  return { rung: rung === undefined ? 'full' : rungText(rung) }
}

/** How long the way back from a rung took, for the plans of later releases. */
function drillOf({ phase, rules }: Release, move: Move): object {
  if (move.to !== 'stabilizing' || move.step !== 'drilled' || phase.name !== 'stabilizing')
    return {}
  const rung = rules.standby[phase.rung]
  if (rung === undefined || rung.rung === 'full' || phase.drilled === undefined) return {}
  return { drill: { rung: rungText(rung), tookMs: phase.drilled.tookMs } }
}

/** Money is out, or a standby does not lead back. */
function isAlarm(move: Move): boolean {
  return move.to === 'thrift' || (move.to === 'stabilizing' && move.step === 'up')
}
