/**
 * A line in which requests wait for the ones that were assigned before them. Used for one batch, then written as text:
 * a cell of fixed width for each place, which the line does not read.
 */

/** Requests that may wait behind a missing one. Beyond that it is given up: memory, and each write, stay bounded. */
export const windowMax = 131_072

/** A cell of something that Beryl lost begins so. */
export const lost = 'v'
const missing = '.'
/** Went to another version. */
const another = 'o'

export type Line = ReturnType<typeof lineOf>

/**
 * @param next sequence number of the first place, modulo 2³²
 * @param every how far apart the numbers in line are: a power of two
 * @param due what leaves the line in order is pushed to it
 */
export function lineOf(
  { next, window, width, every }: { next: number; window: string; width: number; every: number },
  due: string[],
) {
  const [nobody, notOurs, gone] = [missing, another, lost].map((letter) => letter.padEnd(width))
  let first = next
  let cells: string[] = []
  for (let at = 0; at < window.length; at += width) cells.push(window.slice(at, at + width))
  /** Places that have left the line already. */
  let left = 0
  const placeOf = (seq: number) => distance(seq, first) / every

  const take = () => {
    const cell = cells[left] ?? nobody!
    if (cell !== notOurs) due.push(cell === nobody ? gone! : cell)
    left++
  }
  const line = {
    /** @returns false for a place that has left the line or is taken: it was counted before */
    put(seq: number, cell: string | null): boolean {
      if (placeOf(seq) >= left + windowMax) line.giveUp(seq - (windowMax - 1) * every)
      const place = placeOf(seq)
      if (place < left || (cells[place] ?? nobody) !== nobody) return false
      while (cells.length < place) cells.push(nobody!)
      cells[place] = cell ?? notOurs!
      return true
    },
    /**
     * Of [from, to) nothing more is judged, whoever is here already: it was chosen before anything was known of them, and
     * those who come early are not like those who come late. What has left the line stays judged.
     */
    drop(from: number, to: number): void {
      const count = Math.min((to - from) >>> 0, windowMax * every)
      const late = distance(from, first + left * every)
      const start = late < 0 ? -late : 0
      for (let seq = from + ((every - (from % every)) % every); seq - from < count; seq += every) {
        if (seq - from < start) continue
        const place = placeOf(seq >>> 0)
        if (place < left || place >= left + windowMax) continue
        while (cells.length <= place) cells.push(nobody!)
        cells[place] = gone!
      }
    },
    takeWhatIsHere(): void {
      while (left < cells.length && cells[left] !== nobody) take()
    },
    /** What is missing before `seq` will not be waited for: it is void. */
    giveUp(seq: number): void {
      const place = placeOf(seq)
      while (left < Math.min(place, cells.length)) take()
      if (left >= place) return
      // Nobody is here up to that place. Each lost one counts, up to a number beyond which it changes no decision.
      for (let more = 0; more < Math.min(place - left, windowMax); more++) due.push(gone!)
      first = seq >>> 0
      cells = []
      left = 0
    },
    next: () => (first + left * every) >>> 0,
    /** One beyond the highest that is here. */
    end: () => (first + Math.max(left, cells.length) * every) >>> 0,
    text: () => cells.slice(left).join(''),
  }
  return line
}

/** From b to a on the circle of 2³² sequence numbers: negative when a lies before b. */
export function distance(a: number, b: number): number {
  return (a - b) | 0
}
