/** A line in which requests wait for the ones that were assigned before them. Used for one batch, then written as text. */
import type { Outcome } from './outcome.ts'

/** Requests that may wait behind a missing one. Beyond that it is given up: memory, and each write, stay bounded. */
export const windowMax = 131_072

const letters = { good: 'g', bad: 'b', gone: 'h', void: 'v' } as const
const outcomes: Readonly<Record<string, Outcome>> = { g: 'good', b: 'bad', h: 'gone', v: 'void' }
const missing = '.'
/** Went to another version. */
const another = 'o'

/**
 * @param next sequence number of the first place, modulo 2³²
 * @param text one letter for each place; what leaves the line in order is pushed to `due`
 */
export function lineOf(next: number, text: string, due: Outcome[]) {
  let first = next
  let cells = Array.from(text)
  /** Places that have left the line already. */
  let gone = 0

  const take = () => {
    const cell = cells[gone] ?? missing
    if (cell !== another) due.push(outcomes[cell] ?? 'void')
    gone++
  }
  const line = {
    /** @returns false for a place that has left the line or is taken: it was counted before */
    put(seq: number, outcome: Outcome | null): boolean {
      let place = distance(seq, first)
      if (place >= gone + windowMax) line.giveUp(seq - windowMax + 1)
      place = distance(seq, first)
      if (place < gone || (cells[place] ?? missing) !== missing) return false
      while (cells.length < place) cells.push(missing)
      cells[place] = outcome === null ? another : letters[outcome]
      return true
    },
    takeWhatIsHere(): void {
      while (gone < cells.length && cells[gone] !== missing) take()
    },
    /** What is missing before `seq` will not be waited for: it is void. */
    giveUp(seq: number): void {
      const place = distance(seq, first)
      while (gone < Math.min(place, cells.length)) take()
      if (gone >= place) return
      // Nobody is here up to that place. Each lost one counts, up to a number beyond which it changes no decision.
      for (let lost = 0; lost < Math.min(place - gone, windowMax); lost++) due.push('void')
      first = seq >>> 0
      cells = []
      gone = 0
    },
    next: () => (first + gone) >>> 0,
    /** One beyond the highest that is here. */
    end: () => (first + Math.max(gone, cells.length)) >>> 0,
    text: () => cells.slice(gone).join(''),
  }
  return line
}

/** From b to a on the circle of 2³² sequence numbers: negative when a lies before b. */
export function distance(a: number, b: number): number {
  return (a - b) | 0
}
