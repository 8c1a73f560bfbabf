/** Windows against a slow reference: a clock on the wall of that place, read minute by minute. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { window } from '../config/windows.ts'
import { closedAt } from './windows.ts'

const minuteMs = 60_000
const days = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']
const at = (text: string) => Date.parse(text)
const closed = (windows: string[], when: string) => {
  const found = closedAt(
    windows.map((one) => window.parse(one)),
    at(when),
  )
  return found && [found.window, found.opensAt === null ? null : new Date(found.opensAt).toJSON()]
}

test('a window is of the local time of its place', () => {
  const paris = ['Mon-Thu 09:00-16:00 Europe/Paris']
  // Summer: two hours ahead. 26 August 2026 is a Wednesday.
  assert.equal(closed(paris, '2026-08-26T07:00:00Z'), null)
  assert.equal(closed(paris, '2026-08-26T13:59:59.999Z'), null)
  assert.deepEqual(closed(paris, '2026-08-26T14:00:00Z'), [paris[0], '2026-08-27T07:00:00.000Z'])
  // Over the weekend in which the clocks go back: one hour ahead from Sunday on.
  assert.deepEqual(closed(paris, '2026-10-22T14:00:00Z'), [paris[0], '2026-10-26T08:00:00.000Z'])
  assert.equal(closed([], '2026-08-26T14:00:00Z'), null)
})

test('of several windows the one that opens first is named; one over midnight ends on the next day', () => {
  const all = ['Mon 09:00-10:00 UTC', 'Fri 22:00-02:00 UTC', 'Sun 23:00-01:00 UTC']
  assert.deepEqual(closed(all, '2026-08-27T12:00:00Z'), [all[1], '2026-08-28T22:00:00.000Z'])
  assert.equal(closed(all, '2026-08-29T01:59:00Z'), null)
  assert.deepEqual(closed(all, '2026-08-29T02:00:00Z'), [all[2], '2026-08-30T23:00:00.000Z'])
  assert.equal(closed(all, '2026-08-31T00:30:00Z'), null)
})

test('an hour that the clocks skip opens nothing, and one that they repeat opens twice', () => {
  const night = ['Sun 02:15-02:45 Europe/Paris']
  // 29 March 2026: from 02:00 straight to 03:00.
  assert.deepEqual(closed(night, '2026-03-28T12:00:00Z'), [night[0], '2026-04-05T00:15:00.000Z'])
  // 25 October 2026: 02:00 to 03:00 twice.
  assert.equal(closed(night, '2026-10-25T00:30:00Z'), null)
  assert.deepEqual(closed(night, '2026-10-25T00:45:00Z'), [night[0], '2026-10-25T01:15:00.000Z'])
})

/** What a clock on the wall says there. */
function isOpen(
  text: { days: string[]; from: number; length: number },
  clock: Intl.DateTimeFormat,
  wall: number,
) {
  const parts = Object.fromEntries(clock.formatToParts(wall).map((one) => [one.type, one.value]))
  const now = days.indexOf(parts['weekday']!) * 1440 + +parts['hour']! * 60 + +parts['minute']!
  return text.days.some((day) => {
    const start = days.indexOf(day) * 1440 + text.from
    return (now - start + 2 * 10080) % 10080 < text.length
  })
}

const clockOf = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`

test('at any moment, in any zone, it agrees with a clock read minute by minute', () => {
  const zones = ['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC']
  const clocks = new Map(
    zones.map((zone) => [
      zone,
      new Intl.DateTimeFormat('en-US', {
        timeZone: zone,
        weekday: 'short',
        hour: '2-digit',
        minute: '2-digit',
        hourCycle: 'h23',
      }),
    ]),
  )
  // Half of the moments lie around a change of the clocks somewhere.
  const around = ['2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-10-04'].map(
    (day) => at(`${day}T00:00:00Z`) - 2 * 86_400_000,
  )
  const moment = fc
    .tuple(fc.oneof(fc.constantFrom(...around), fc.constant(at('2026-01-01T00:00:00Z'))), fc.nat())
    .map(
      ([from, minutes]) => from + (minutes % (around.includes(from) ? 5000 : 500_000)) * minuteMs,
    )
  const asked = fc.record({
    days: fc.subarray(days, { minLength: 1 }),
    from: fc.nat(1439),
    length: fc.integer({ min: 1, max: 1439 }),
    zone: fc.constantFrom(...zones),
    moment,
  })
  fc.assert(
    fc.property(asked, ({ days: on, from, length, zone, moment: wall }) => {
      const text = `${on.join(',')} ${clockOf(from)}-${clockOf((from + length) % 1440)} ${zone}`
      const found = closedAt([window.parse(text)], wall)
      const reference = (when: number) =>
        isOpen({ days: on, from, length }, clocks.get(zone)!, when)
      assert.equal(found === null, reference(wall), `${text} at ${new Date(wall).toJSON()}`)
      if (found === null) return
      assert.ok(found.opensAt !== null)
      assert.ok(reference(found.opensAt), `${text}: it is open when it opens`)
      // Not a minute earlier, looked at in 400 places and right before.
      for (let look = 0; look < 400; look++) {
        const when = wall + Math.floor(((found.opensAt - wall) * look) / 400)
        assert.ok(!reference(when), `${text}: open at ${new Date(when).toJSON()} already`)
      }
      assert.ok(!reference(found.opensAt - minuteMs))
    }),
    { numRuns: 120, seed: 20261126 },
  )
})

const wrong: [text: string, says: RegExp][] = [
  ['Mon-Thu 09:00-16:00 Europe/Pari', /did you mean "Europe\/Paris"/],
  ['Mon-Thu 09:00-16:00', /a time zone/],
  ['Mon-Thu 09:00-09:00 UTC', /would never open/],
  ['Mon-Thu 25:00-26:00 UTC', /00:00 to 24:00/],
  ['Mon-Thu 24:00-02:00 UTC', /00:00 to 24:00/],
  ['Mon-Thu 09:60-10:00 UTC', /00:00 to 24:00/],
  ['Moo 09:00-10:00 UTC', /expected days/],
  ['Mon-Wed-Fri 09:00-10:00 UTC', /expected days/],
  ['mon 9:00-10:00 UTC', /expected days, times and a time zone/],
]

test('what would never open, or is no window, is refused with what was expected', () => {
  for (const [text, says] of wrong) {
    const read = window.safeParse(text)
    assert.match(read.error?.issues[0]?.message ?? '', says, text)
  }
  assert.equal(window.safeParse('Mon-Sun 00:00-24:00 UTC').success, true)
})
