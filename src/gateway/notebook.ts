/**
 * What a worker saw, handed on in batches of plain numbers: a batch crosses to main without a copy of each observation. Bounded:
 * when main falls behind, what comes on top is dropped, and counted.
 */
import type { Observation } from './control.ts'

/** All observations of one claim's table and replica share these. */
export type Subject = Pick<
  Observation,
  'service' | 'environment' | 'version' | 'release' | 'replica' | 'generation'
>

export type Batch = {
  subjects: readonly Subject[]
  /** `columns` numbers for each observation. */
  numbers: Float64Array
  count: number
  dropped: readonly { service: string; count: number }[]
}

const outcomes: readonly Observation['outcome'][] = [
  'ok',
  'error-status',
  'connect-failed',
  'cut',
  'deadline',
  'client-gone',
  'void',
]
/** Subject, seq, at, outcome, status, first byte, total. */
const columns = 7
const batchMax = 512
const flushMs = 25
/** Batches that main has not taken yet, in observations: an overload must not become a memory leak. */
const heldMax = 20_000

export function openNotebook(hand: (batch: Batch) => void) {
  let numbers = new Float64Array(batchMax * columns)
  let count = 0
  let subjects: Subject[] = []
  let places = new Map<object, Map<string, number>>()
  let handed = 0
  const dropped = new Map<string, number>()
  let timer: NodeJS.Timeout | null = null

  return {
    /** @param key the same object for all observations that differ in their replica only */
    add(
      key: object,
      subject: Subject,
      { seq, at, outcome, status, firstByteMs, totalMs }: Omit<Observation, keyof Subject>,
    ): void {
      if (handed > heldMax) {
        dropped.set(subject.service, (dropped.get(subject.service) ?? 0) + 1)
        return
      }
      const place = count * columns
      numbers[place] = placeOf(key, subject)
      numbers[place + 1] = seq
      numbers[place + 2] = at
      numbers[place + 3] = outcomes.indexOf(outcome)
      numbers[place + 4] = status
      numbers[place + 5] = firstByteMs
      numbers[place + 6] = totalMs
      if (++count >= batchMax) flush()
      else timer ??= setTimeout(flush, flushMs)
    },
    /** Main has taken so many. */
    taken: (observations: number) => void (handed -= observations),
  }

  function placeOf(key: object, subject: Subject): number {
    let known = places.get(key)
    if (known === undefined) places.set(key, (known = new Map()))
    let place = known.get(subject.replica)
    if (place === undefined) {
      place = subjects.push(subject) - 1
      known.set(subject.replica, place)
    }
    return place
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    handed += count
    hand({
      subjects,
      numbers,
      count,
      dropped: [...dropped].map(([service, lost]) => ({ service, count: lost })),
    })
    numbers = new Float64Array(batchMax * columns)
    subjects = []
    places = new Map()
    count = 0
    dropped.clear()
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
    }
  })
}
