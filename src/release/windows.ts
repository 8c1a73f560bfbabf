/** When traffic may move forward: windows of the week in the time of a place, through every change to and from summer time. */

export type Window = {
  /** As the manifest has it. */
  text: string
  /** IANA name. */
  zone: string
  /** Minutes since Monday 00:00 there; an end may lie in the next week. */
  spans: readonly { from: number; to: number }[]
}

const minuteMs = 60_000
const dayMs = 1440 * minuteMs
const weekMs = 7 * dayMs
/** The epoch was a Thursday. */
const mondayMs = 3 * dayMs
/** A window of every zone opens within a week and a day; one more week for what a change of the clocks skips. */
const horizonDays = 15

/** @param wall ms @returns null while open; else what opens first, and when (wall, ms; null: not in the next two weeks) */
export function closedAt(
  windows: readonly Window[],
  wall: number,
): { window: string; opensAt: number | null } | null {
  if (windows.length === 0) return null
  const next = windows.map((window) => ({ window: window.text, opensAt: opensAt(window, wall) }))
  const [first] = next.toSorted((a, b) => (a.opensAt ?? Infinity) - (b.opensAt ?? Infinity))
  return first!.opensAt === wall ? null : first!
}

/** The first instant from `wall` on in which it is open. */
function opensAt(window: Window, wall: number): number | null {
  for (const { from, to, offset } of pieces(window.zone, wall)) {
    const waits = window.spans.map((span) => untilOpen(span, from + offset))
    const opens = from + Math.min(...waits)
    if (opens < to) return opens
  }
  return null
}

/** @param local ms of a clock in that place @returns ms, 0: it is open */
function untilOpen({ from, to }: Window['spans'][number], local: number): number {
  const start = from * minuteMs - mondayMs
  const since = (((local - start) % weekMs) + weekMs) % weekMs
  return since < (to - from) * minuteMs ? 0 : weekMs - since
}

/** The time from `wall` on, cut wherever the clocks of a zone are set. */
function pieces(zone: string, wall: number): { from: number; to: number; offset: number }[] {
  const offsetAt = offsets(zone)
  const found = [{ from: wall, to: wall, offset: offsetAt(wall) }]
  for (let day = 0; day < horizonDays; day++) {
    const end = wall + (day + 1) * dayMs
    const last = found.at(-1)!
    const offset = offsetAt(end)
    if (offset === last.offset) {
      last.to = end
      continue
    }
    const changed = changeIn(offsetAt, { from: last.to, to: end })
    last.to = changed
    found.push({ from: changed, to: end, offset })
  }
  return found
}

/** The first ms of the new offset, by halves. */
function changeIn(
  offsetAt: (wall: number) => number,
  { from, to }: { from: number; to: number },
): number {
  const before = offsetAt(from)
  let [low, high] = [from, to]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(middle) === before) low = middle
    else high = middle
  }
  return high
}

/** Making a formatter costs a hundred times what asking it does. */
const formatters = new Map<string, Intl.DateTimeFormat>()

/** @returns ms that a clock there is ahead of UTC */
function offsets(zone: string): (wall: number) => number {
  const known = formatters.get(zone)
  const formatter =
    known ?? new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
  formatters.set(zone, formatter)
  return (wall) => {
    const name = formatter.formatToParts(wall).find(({ type }) => type === 'timeZoneName')!.value
    const [, sign, hours, minutes, seconds = '0'] =
      /^GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(name) ?? []
    if (sign === undefined) return 0
    const ahead = (Number(hours) * 60 + Number(minutes)) * minuteMs + Number(seconds) * 1000
    return sign === '-' ? -ahead : ahead
  }
}
