/** The promises of contract §3 as a world of plain values can break them; each throws with the number of the one that is broken. */
import assert from 'node:assert/strict'
import { bigEnough } from '../big-enough.ts'
import type { Routes } from '../desired-world.ts'
import { gatesTaken } from '../gates.ts'
import type { Environment, GateState, Now, Release, Service } from '../release.ts'
import { colourOf } from '../roles.ts'
import type { GuardFact, Hold, ReplicaFact, Seen } from '../seen.ts'

/** Gate evidence is for a day (rulings §14). */
const dayMs = 24 * 3600 * 1000

/** What must be true whenever anybody looks. */
export function hold({
  service,
  table,
  replicas,
  moved,
}: {
  service: Service
  table: Routes | null
  replicas: ReadonlyMap<string, ReplicaFact>
  /** The releases that live traffic went to, in order. */
  moved: readonly string[]
}): void {
  if (moved.length > 0) {
    assert.notEqual(service.colour, 'none', 'promise 1: exactly one live place')
    assert.ok(table?.live != null, 'promise 1: the gateway has a live place')
    assert.notEqual(table.environments[table.live], null, 'promise 1: it has replicas to route to')
  }
  const mixed = (['blue', 'green'] as const).filter((environment) => {
    const here = [...replicas.values()].filter((one) => one.environment === environment)
    return new Set(here.map(({ release }) => release)).size > 1
  })
  assert.deepEqual(mixed, [], 'two bundles never share a place')
  for (const id of new Set(moved)) {
    const times = moved.filter((one) => one === id).length
    // A version is returned to only by the rollback of the release that followed it.
    const wasLeftAndReturnedTo = moved.some((one, at) => one === id && moved[at + 2] === id)
    assert.ok(times <= 1 || id === moved[0] || wasLeftAndReturnedTo, `${id} was switched to twice`)
  }
}

/** Live traffic moves: in one step of a switch or a rollback, to the live place, and only where it is big enough. */
export function holdMove(
  service: Service,
  to: Environment | null,
  { seen, behind }: { seen: Seen; behind: boolean },
): void {
  assert.ok(to !== null, 'promise 1: once live, always live')
  const phase = service.release?.phase.name
  assert.ok(
    behind || phase === 'switching' || phase === 'rolling-back',
    `promise 2: live traffic moves in a switch or a rollback, not while ${phase}`,
  )
  const { release } = service
  // One that is behind comes to a step from elsewhere: there the version that is left answers the rest.
  const isStep = behind && release?.phase.name === 'switching' && release.phase.share !== undefined
  const place = isStep ? colourOf(service, 'standby') : service.colour
  assert.equal(to, place, 'promise 2: it moves to the live place')
  if (phase !== 'switching') return
  assert.ok(bigEnough(service, service.release!, seen), 'promise 5: big enough before it moves')
  holdOnDemand(service, to, seen)
}

/** At a switch all that is asked for is there on demand, but where the version may be live on spot capacity. */
function holdOnDemand({ live }: Service, place: Environment, seen: Seen): void {
  if (live === null || live.spot?.live === true) return
  const steady = seen.replicas.filter(
    ({ environment, release, state, spot }) =>
      environment === place && release === live.release && state === 'ready' && spot !== true,
  )
  assert.ok(
    steady.length >= live.replicas,
    `promise 5: ${steady.length} of ${live.replicas} replicas are on demand at the switch`,
  )
}

/** A part of the traffic: only while a release switches in steps, to the new version, big enough, and it only grows. */
export function holdSplit(
  service: Service,
  { before, after }: { before: Routes | null; after: Routes },
  { seen, behind }: { seen: Seen; behind: boolean },
): void {
  const split = after.split ?? null
  if (split === null) return
  const phase = service.release?.phase
  const isBack = phase?.name === 'rolling-back'
  assert.ok(
    phase?.name === 'switching' || isBack,
    `traffic is split while ${phase?.name ?? 'nothing is'}`,
  )
  assert.equal(split.to, service.colour, 'the place that is to be live gets the part')
  assert.notEqual(after.live, split.to, 'the other one answers the rest')
  if (phase.name === 'switching') assert.equal(split.share, phase.share)
  if (phase.name === 'switching' && before?.split?.share !== split.share && !behind)
    holdOnDemand(service, split.to, seen)
  for (const environment of ['blue', 'green'] as const)
    assert.notEqual(after.environments[environment], null, 'both can answer')
  if (before?.split?.to === split.to && !behind)
    assert.ok(split.share >= before.split.share, 'shares only grow')
  if (!isBack && before?.split != null && before.split.share !== split.share)
    assert.ok(bigEnough(service, service.release!, seen), 'promise 5: big enough before it grows')
}

/** While a window is closed, or something is frozen, traffic moves back only. */
export function holdHeld({ kind, id }: Release, holds: readonly Hold[]): void {
  assert.ok(kind === 'rollback' || holds.length === 0, `${id} moves forward while it is held`)
}

/** From step to step only on evidence, or where somebody says so. */
export function holdStep({ phase, rules }: Release, guard: GuardFact): void {
  if (phase.name !== 'switching') return
  assert.ok(
    guard.decision === 'promote' ||
      guard.wouldShow === true ||
      phase.promoted !== undefined ||
      rules.watch.whenUndecided === 'accept',
    'promise 4: a step is left on evidence, or where somebody accepted',
  )
}

export function holdGatesOpen(release: Release, known: readonly GateState[], now: Now): void {
  assert.notEqual(release.kind, 'verify', 'verify never switches')
  for (const { name, dryRun } of gatesTaken(release).taken) {
    if (dryRun === true) continue
    const state = known.find((one) => one.name === name)
    const passed =
      state?.state === 'decided' && state.verdict === 'pass' && now.wall - state.at < dayMs
    const skipped = release.skipped.some(({ gate }) => gate === name)
    assert.ok(passed || skipped, `promise 4: ${release.id} switches, and gate ${name} did not pass`)
  }
  if (release.rules.switchWhen === 'approved') assert.ok(release.approvals.length > 0)
}

export function holdEvidence(release: Release, guard: GuardFact): void {
  assert.ok(
    guard.decision === 'promote' ||
      release.accepted !== null ||
      release.rules.watch.whenUndecided === 'accept',
    'promise 4: the watch ends on evidence, or where somebody accepted',
  )
}
