/** What `beryl watch` shows, line by line, in the room that there is. Pure. */
import { stripVTControlCharacters } from 'node:util'
import type { Event, ServiceView } from '../api/shapes.ts'
import { describeService, time } from './describe.ts'
import { harmless, paint } from './output.ts'
import type { Size } from './full-screen.ts'

type Around = Size & {
  /** Oldest first. */
  events: readonly Event[]
  next: string
  /** Why nothing new is known; null: it is. */
  trouble: string | null
  now: number
}

export function watchScreen(
  view: ServiceView,
  { events, next, trouble, now, columns, rows }: Around,
): string[] {
  const head = [
    `${time(now)}   q ends, and changes nothing`,
    ...(trouble === null ? [] : [paint('yellow', `not up to date: ${trouble}`)]),
    '',
  ]
  const body = [...describeService(view).split('\n'), `  ${paint('bold', 'Next')}      ${next}`, '']
  const room = Math.max(0, rows - head.length - body.length)
  const lately = events
    .slice(room === 0 ? events.length : -room)
    .map(({ at, by, text }) => `  ${time(at)}  ${by.padEnd(8)} ${text.split('\n')[0]}`)
  return [...head, ...body, ...lately].map((line) => fitted(line, columns))
}

/** Longer ones would wrap, and push the others off the screen. Colours go with what is cut. */
export function fitted(text: string, columns: number): string {
  const safe = harmless(text)
  const plain = stripVTControlCharacters(safe)
  return plain.length > columns ? `${plain.slice(0, Math.max(0, columns - 1))}…` : safe
}
