/** What the gateway saw and the guard said becomes curves, of each service and of the release that goes on, and survives a restart. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Observation } from '../../gateway/control.ts'
import type { SignalEvidence } from '../../guard/guard.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'
import { curveOperations } from './curve-operations.ts'
import { openCurves } from './curves.ts'

const watching = releaseOf({ name: 'watching', since, until: since } as never)
const seen = (release: string, change: Partial<Observation> = {}) =>
  ({
    service: 'tiny',
    environment: release === 'r2' ? 'green' : 'blue',
    release,
    outcome: 'ok',
    totalMs: 12,
    ...change,
  }) as Observation
const evidence = (rollbackEvidence: number) =>
  [{ signal: 'errors', rollbackEvidence, promotionEvidence: 0.5 }] as unknown as SignalEvidence[]

function room(release = watching) {
  const { store } = journal(switched(watching))
  const clock = { wall: since.wall, up: 1000 }
  let service = switched(release)
  const rows = { names: () => ['tiny'], find: () => service }
  const open = () => {
    const curves = openCurves({ store, rows, now: () => ({ ...clock }) })
    const named = (name: string) => name
    const views = curveOperations({ curves, store, named, findRelease: () => release })
    return { curves, views }
  }
  const end = () => (service = { ...service, release: null })
  return { ...open(), open, clock, store, end }
}

test('answers of both versions lie on one axis, copies are told apart, and neither is the client that left', () => {
  const { curves, views } = room()
  curves.add([
    seen('r2'),
    seen('r2', { outcome: 'error-status' }),
    seen('r2', { outcome: 'client-gone' }),
    seen('r1', { isCopy: true, totalMs: 20 }),
    seen('r0'),
  ])
  const [mine, old] = views.ofRelease('r2').sides
  assert.deepEqual([mine!.version, mine!.answers, mine!.bad], ['b', [2], [1]])
  assert.deepEqual([old!.version, old!.answers, old!.copies], ['a', [1], [1]])
  const [blue, green] = views.ofService('tiny').sides
  // What was given to clients only, whichever release it was of.
  assert.deepEqual([blue!.answers, green!.answers], [[1], [2]])
})

test('what was said of the evidence stands beside it, and all of it is there after a restart, with a hole where nobody was', () => {
  const { curves, clock, open } = room()
  curves.add([seen('r2')])
  curves.evidence('r2', evidence(0.25))
  curves.write()
  clock.wall += 3000
  const after = open()
  after.curves.add([seen('r2'), seen('r2')])
  const { at, sides, evidence: signals } = after.views.ofRelease('r2')
  assert.equal(at.length, 4)
  assert.deepEqual(sides[0]!.answers, [1, null, null, 2])
  assert.deepEqual(signals[0], {
    signal: 'errors',
    rollback: [0.25, null, null, null],
    promotion: [0.5, null, null, null],
  })
  assert.deepEqual(after.views.ofService('tiny').at.length, 1)
})

test('feedback is told by the time of the answer that it is about', () => {
  const { curves, clock, store, views } = room()
  curves.add([])
  clock.wall += 1000
  curves.add([])
  const said = {
    service: 'tiny',
    version: 'b',
    run: 'x',
    generation: 1,
    client: 0,
    kind: 'thumbs' as const,
    actor: 'ann',
  }
  for (const [seq, value] of [true, true, false].entries())
    store.feedback.put({ ...said, release: 'r2', seq, value, answeredAt: clock.wall, at: 0 })
  store.feedback.put({ ...said, release: 'r1', seq: 9, value: true, answeredAt: clock.wall, at: 0 })
  const { feedback } = views.ofRelease('r2')
  assert.deepEqual(
    feedback.map(({ side, kind, count }) => [side, kind, count]),
    [
      ['new', 'thumbs', [0, 3]],
      ['old', 'thumbs', [0, 1]],
    ],
  )
  assert.ok(Math.abs(feedback[0]!.mean[1]! - 2 / 3) < 1e-9)
})

test('a full disk holds nobody up: the curve goes on in memory, and is written when there is room', () => {
  const { store } = room()
  let full = true
  const put: typeof store.curves.put = (...row) => {
    if (full) throw new Error('disk full')
    store.curves.put(...row)
  }
  const rows = { names: () => ['tiny'], find: () => switched(watching) }
  const curves = openCurves({
    store: { curves: { ...store.curves, put } },
    rows,
    now: () => since,
  })
  curves.add(Array.from({ length: 300 }, () => seen('r2')))
  curves.write()
  assert.equal(curves.ofRelease('r2').slots[0]!.sides['new']!.answers, 300)
  assert.equal(store.curves.of('r2'), null)
  full = false
  curves.write()
  assert.equal(store.curves.of('r2')!.slots[0]!.sides['new']!.answers, 300)
})

test('a release that has ended is let go of, and read from disk for whoever asks', () => {
  const { curves, views, end, store } = room()
  curves.add([seen('r2')])
  end()
  curves.write()
  curves.write()
  curves.add([seen('r2')])
  assert.equal(views.ofRelease('r2').sides[0]!.answers[0], 1)
  assert.equal(store.curves.of('r2')!.slots.length, 1)
})

test('a curve that cannot be read begins anew: nothing is held up by it', () => {
  const { store } = room()
  const of = () => {
    throw new SyntaxError('damaged')
  }
  const rows = { names: () => ['tiny'], find: () => switched(watching) }
  const curves = openCurves({ store: { curves: { ...store.curves, of } }, rows, now: () => since })
  curves.evidence('r2', evidence(0.1))
  curves.add([seen('r2')])
  curves.write()
  assert.equal(curves.ofRelease('r2').slots.length, 1)
  assert.equal(curves.ofRelease('r9').slots.length, 0)
})
