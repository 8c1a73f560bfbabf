/**
 * What a worker saw, handed on in batches of plain numbers: a batch crosses to main without a copy of each observation. Bounded:
 * when main falls behind, whole ranges of numbers are not noted, and said as gaps. A range is chosen when a request is claimed,
 * before anybody knows what becomes of it: what is missing says nothing about either version (rulings §6).
 */
import type { Observation } from './control.ts'
import type { Shared } from './shared.ts'

/** All observations of one claim's table and replica share these. */
export type Subject = Pick<
  Observation,
  | 'service'
  | 'environment'
  | 'version'
  | 'release'
  | 'replica'
  | 'generation'
  | 'isCopy'
  | 'copied'
  | 'heard'
  | 'share'
>

/** Numbers from `from` up to, not including, `to` (modulo 2³²) were not noted by whoever had not claimed them before. */
export type Range = { service: string; from: number; to: number }

export type Batch = {
  subjects: readonly Subject[]
  /** `columns` numbers for each observation. */
  numbers: Float64Array
  count: number
  gaps: readonly Range[]
}

const outcomes: readonly Observation['outcome'][] = [
  'ok',
  'error-status',
  'connect-failed',
  'cut',
  'deadline',
  'client-gone',
  'refused',
  'void',
]
/** Subject, seq, at, outcome, status, first byte, total, client. */
const columns = 8
const batchMax = 512
const flushMs = 25
/** Batches that main has not taken yet, in observations: an overload must not become a memory leak. */
const heldMax = 20_000
/** A power of two: ranges of all workers end at the same numbers. */
export const rangeOf = 1024

export function openNotebook(
  hand: (batch: Batch) => void,
  { skipUntil, full }: Pick<Shared, 'skipUntil' | 'full'>,
) {
  let numbers = new Float64Array(batchMax * columns)
  let count = 0
  let subjects: Subject[] = []
  /** By key, replica, and in how many ways more two of them may differ. */
  let places = new Map<object, Map<string, number[]>>()
  let gaps: Range[] = []
  let handed = 0
  let timer: NodeJS.Timeout | null = null

  return {
    /** Asked once for each request, when it is claimed: will it be noted? */
    notes(service: string, serviceSlot: number, seq: number): boolean {
      const until = Atomics.load(skipUntil, serviceSlot)
      const left = (until - seq) | 0
      if (left > 0 && left <= rangeOf) return false
      if (handed <= heldMax && Atomics.load(full, 0) === 0) return true
      const to = ((seq | (rangeOf - 1)) + 1) >>> 0
      // Where another worker dropped the same range in this moment, that one says so.
      if (Atomics.compareExchange(skipUntil, serviceSlot, until, to | 0) === until) {
        gaps.push({ service, from: seq, to })
        timer ??= setTimeout(flush, flushMs)
      }
      return false
    },

    /** @param key the same object for all observations that differ in their replica only */
    add(
      key: object,
      subject: Subject,
      { seq, at, outcome, status, firstByteMs, totalMs, client }: Omit<Observation, keyof Subject>,
    ): void {
      const place = count * columns
      numbers[place] = placeOf(key, subject)
      numbers[place + 1] = seq
      numbers[place + 2] = at
      numbers[place + 3] = outcomes.indexOf(outcome)
      numbers[place + 4] = status
      numbers[place + 5] = firstByteMs
      numbers[place + 6] = totalMs
      numbers[place + 7] = client
      if (++count >= batchMax) flush()
      else timer ??= setTimeout(flush, flushMs)
    },
    /** Main has taken so many. */
    taken: (observations: number) => void (handed -= observations),
    flush,
  }

  function placeOf(key: object, subject: Subject): number {
    let known = places.get(key)
    if (known === undefined) places.set(key, (known = new Map()))
    const { replica, isCopy, copied, heard, share } = subject
    let here = known.get(replica)
    if (here === undefined) known.set(replica, (here = []))
    const whose = isCopy === true ? 2 : copied === true ? 1 : 0
    const wasHeard = heard === undefined ? 2 : heard ? 1 : 0
    // Of those who say not who they are nothing was drawn.
    const how = whose * 6 + wasHeard * 2 + (share === undefined ? 0 : 1)
    return (here[how] ??= subjects.push(subject) - 1)
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    handed += count
    hand({ subjects, numbers, count, gaps })
    numbers = new Float64Array(batchMax * columns)
    subjects = []
    places = new Map()
    gaps = []
    count = 0
  }
}

/** @param from how many to leave out */
export function observationsOf({ subjects, numbers, count }: Batch, from = 0): Observation[] {
  return Array.from({ length: count - from }, (_, index) => {
    const place = (from + index) * columns
    return {
      ...subjects[numbers[place]!]!,
      seq: numbers[place + 1]!,
      at: numbers[place + 2]!,
      outcome: outcomes[numbers[place + 3]!]!,
      status: numbers[place + 4]!,
      firstByteMs: numbers[place + 5]!,
      totalMs: numbers[place + 6]!,
      client: numbers[place + 7]!,
    }
  })
}
