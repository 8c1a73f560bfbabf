/** A track keeps all of a release in bounded room, and says where nobody looked. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { curvesView } from './curves-view.ts'
import { addAnswer, beginTrack, quantile, slotAt, slotsMax } from './track.ts'
import type { Track } from './track.ts'

const at = 1_800_000_000_000
const sides = [
  { side: 'new', version: 'v2' },
  { side: 'old', version: 'v1' },
] as const

function answer(track: Track, when: number, change: { isBad?: boolean; totalMs?: number } = {}) {
  const slot = slotAt(track, when, 'halve')
  addAnswer(slot, { side: 'new', isBad: false, isCopy: false, totalMs: 10, ...change })
  return slot
}

const total = (track: Track) =>
  track.slots.reduce((sum, { sides: { new: one } }) => sum + (one?.answers ?? 0), 0)

test('however long a release takes, all of its answers stay in view, in slots that grow', () => {
  const track = beginTrack(1000)
  const day = 24 * 3600
  for (let second = 0; second < day; second += 5)
    answer(track, at + second * 1000).evidence['errors'] = [second / day, null]
  assert.equal(total(track), day / 5)
  assert.ok(track.slots.length <= slotsMax && track.slots.length > slotsMax / 3)
  assert.equal(track.everyMs, 1000 * 2 ** 9)
  for (const slot of track.slots) assert.equal(slot.at % track.everyMs, 0)
  const { evidence } = curvesView(track, { sides, said: [] })
  const rising = evidence[0]!.rollback.map((share) => share!)
  assert.deepEqual(
    rising,
    rising.toSorted((a, b) => a - b),
  )
})

test('of a service the oldest goes, and the slots stay as long as they were', () => {
  const track = beginTrack(15_000)
  for (let slot = 0; slot < 1000; slot++) slotAt(track, at + slot * 15_000, 'forget')
  assert.equal(track.slots.length, slotsMax)
  assert.equal(track.everyMs, 15_000)
  assert.equal(track.slots.at(-1)!.at, at + 999 * 15_000)
})

test('where nobody looked there is a hole, and where nobody asked there is a zero', () => {
  const track = beginTrack(1000)
  answer(track, at)
  answer(track, at + 100, { isBad: true })
  slotAt(track, at + 1000, 'halve')
  answer(track, at + 4000, { totalMs: 80 })
  const view = curvesView(track, { sides, said: [] })
  assert.deepEqual(view.at, [at, at + 1000, at + 2000, at + 3000, at + 4000])
  const [mine, other] = view.sides
  assert.deepEqual(mine!.answers, [2, 0, null, null, 1])
  assert.deepEqual(mine!.bad, [1, 0, null, null, 0])
  assert.deepEqual(other!.answers, [0, 0, null, null, 0])
  assert.equal(mine!.p95Ms[1], null)
  assert.ok(Math.abs(mine!.p95Ms[4]! / 80 - 1) < 0.045)
})

test('a gap of months is no longer than a screen, and a clock that is set back makes no disorder', () => {
  const track = beginTrack(1000)
  answer(track, at)
  answer(track, at + 90 * 86_400_000)
  answer(track, at)
  assert.equal(total(track), 3)
  assert.equal(curvesView(track, { sides, said: [] }).at.length, slotsMax)
  assert.deepEqual(curvesView(beginTrack(1000), { sides, said: [] }).at, [])
})

test('quantiles are those of the times, within the width of a bin', () => {
  const slot = slotAt(beginTrack(1000), at, 'halve')
  for (let ms = 1; ms <= 1000; ms++)
    addAnswer(slot, { side: 'new', isBad: false, isCopy: false, totalMs: ms })
  const { times } = slot.sides['new']!
  assert.ok(Math.abs(quantile(times, 0.5)! / 500 - 1) < 0.045)
  assert.ok(Math.abs(quantile(times, 0.95)! / 950 - 1) < 0.045)
  assert.equal(quantile({}, 0.5), null)
})
