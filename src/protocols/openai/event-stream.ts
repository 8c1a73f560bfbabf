/**
 * Server-sent events as language models send them (WHATWG HTML §9.2): `data:` lines up to an empty line, comments that keep
 * a connection alive. Lines end with LF or CRLF; a lone CR, which the standard knows too, no such server sends.
 */

/** Text as it came in. */
export type Arrived = { text: string; ms: number }

/** `ms`: when its last byte came. */
export type StreamEvent = { data: string; ms: number }

/** An event without its empty line was cut, and is none. */
export function eventsIn(pieces: readonly Arrived[]): StreamEvent[] {
  const events: StreamEvent[] = []
  let held = ''
  let data: string[] = []
  for (const { text, ms } of pieces) {
    const lines = (held + text).split('\n')
    held = lines.pop()!
    for (const line of lines) {
      const whole = line.endsWith('\r') ? line.slice(0, -1) : line
      if (whole.startsWith('data:')) data.push(whole.slice(whole[5] === ' ' ? 6 : 5))
      if (whole !== '' || data.length === 0) continue
      events.push({ data: data.join('\n'), ms })
      data = []
    }
  }
  return events
}
