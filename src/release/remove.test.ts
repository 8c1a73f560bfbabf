import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextActions } from './next-actions.ts'
import { emptyService } from './release.ts'
import type { Now, Placed, Release, Service } from './release.ts'
import { isGone, removalIsOver, removeService, underWay } from './remove.ts'
import type { ReplicaFact, Seen } from './seen.ts'
import { newRelease, plainRules } from './testing/plain.ts'

const now: Now = { wall: 1_700_000_000_000, up: 1000 }
const later = (s: number): Now => ({ wall: now.wall + s * 1000, up: now.up + s })
const bundle = { version: 'b', digest: 'sha256:b', replicas: 1 }
const placed = (release: string): Placed => ({ ...bundle, release })
const release = (phase: Release['phase'], id = 'r2') => ({
  ...newRelease(bundle, now, { id, kind: 'deploy', rules: plainRules }),
  phase,
})
const live: Service = {
  ...emptyService('tiny'),
  generation: 5,
  back: 5,
  colour: 'green',
  live: placed('r2'),
  standby: placed('r1'),
  release: release({ name: 'stabilizing', since: now, rung: 0 }),
  queued: release({ name: 'queued', since: now }, 'r3'),
}
const replica = (environment: 'blue' | 'green', id: string): ReplicaFact => ({
  id: `${environment}-${id}`,
  environment,
  release: id,
  digest: 'sha256:b',
  state: 'ready',
  because: '',
  address: { host: '127.0.0.1', port: 1 },
  restarts: 0,
})
const routed = (id: string) => ({ release: id, version: 'b', replicas: [] })
const seen = (gateway: Partial<NonNullable<Seen['gateway']>>, replicas: ReplicaFact[]): Seen => ({
  replicas,
  gates: [],
  guard: null,
  gateway: {
    generation: 5,
    live: null,
    preview: null,
    back: null,
    environments: { blue: null, green: null },
    inFlight: { blue: 0, green: 0 },
    ...gateway,
  },
})
const both = [replica('blue', 'r1'), replica('green', 'r2')]
const removed = removeService(live, { by: 'ann', drainS: 30 }, now)
const asked = (what: Seen, at = now) => nextActions(removed.service, what, at)

test('its releases end with the reason, and its generations go on', () => {
  assert.deepEqual(
    removed.ended.map(({ id, phase }) => [id, phase.name, 'because' in phase && phase.because]),
    [
      ['r2', 'finished', 'ann removed the service'],
      ['r3', 'aborted', 'ann removed the service'],
    ],
  )
  const { service } = removed
  assert.deepEqual([service.generation, service.live, service.colour], [5, null, 'none'])
})

test('out of the routes first; what is in flight may end; then every replica stops by the one way', () => {
  const routes = { blue: routed('r1'), green: routed('r2') }
  const [first, ...more] = asked(
    seen({ live: 'green', environments: routes, outdated: true }, both),
  )
  assert.ok(first?.do === 'route')
  assert.deepEqual(
    [first.routes.live, first.routes.environments, first.back],
    [null, { blue: null, green: null }, null],
  )
  assert.deepEqual(more, [], 'nothing that is routed is touched')
  const busy = seen({ inFlight: { blue: 0, green: 3 } }, both)
  assert.deepEqual(asked(busy), [{ do: 'retire', environment: 'blue', replicas: ['blue-r1'] }])
  assert.equal(removalIsOver(removed.service, later(29)), null)
  assert.deepEqual(
    asked(busy, later(30))
      .filter((one) => one.do === 'cut')
      .map((one) => one.do === 'cut' && one.environment),
    ['green'],
  )
  assert.equal(asked(seen({}, both)).filter((one) => one.do === 'retire').length, 2)
})

test('it is gone when nothing of it runs or is routed, and not while the gateway does not answer', () => {
  assert.equal(isGone(removed.service, seen({}, [])), true)
  assert.equal(isGone(removed.service, seen({}, both)), false)
  assert.equal(isGone(removed.service, seen({ outdated: true }, [])), false)
  assert.equal(isGone(removed.service, { ...seen({}, []), gateway: null }), false)
  assert.equal(isGone(live, seen({}, [])), false)
})

test('a release under way has to end first', () => {
  assert.equal(underWay(live), null)
  const watching = release({ name: 'watching', since: now, generation: 5 })
  assert.equal(underWay({ ...live, release: watching })?.id, 'r2')
})

test('a service that nobody takes away is never pointed at nothing', () => {
  const empty = { ...emptyService('tiny'), generation: 5 }
  const what = seen({ live: 'green', environments: { blue: null, green: routed('r2') } }, both)
  assert.ok(!nextActions(empty, what, now).some((one) => one.do === 'route'))
})
