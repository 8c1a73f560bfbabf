/** Which replica? The least outstanding requests, among those that may be chosen. Pure: counts and chance are passed in. */
import { mix } from './hash.ts'

export type Sight<Replica> = {
  /** Requests at a replica, over all workers. */
  load(replica: Replica): number
  /** False for one that was left out. */
  usable(replica: Replica): boolean
  hash(replica: Replica): number
  /** In [0, 1). */
  random(): number
}

export type Wish = {
  /** A replica with so many requests takes no more. */
  limit: number
  /** Hash of what a client's requests have in common; null: any replica will do. */
  key: number | null
}

/** Up to here all are compared; beyond it, two of them: nearly as even, and its cost does not grow. */
const comparedMax = 8

/** @returns the index; `none` where there is nothing to choose from, `full` where each one is at its limit */
export function chooseReplica<Replica>(
  replicas: readonly Replica[],
  sight: Sight<Replica>,
  { limit, key }: Wish,
): number | 'none' | 'full' {
  if (replicas.length === 0) return 'none'
  const found = key === null ? anyOf(replicas, sight, limit) : nearest(replicas, sight, limit, key)
  if (found !== -1) return found
  // Where all were left out, a guess is better than a refusal.
  return replicas.some((replica) => sight.usable(replica))
    ? 'full'
    : Math.floor(sight.random() * replicas.length)
}

function anyOf<Replica>(
  replicas: readonly Replica[],
  sight: Sight<Replica>,
  limit: number,
): number {
  const count = replicas.length
  const start = Math.floor(sight.random() * count)
  if (count > comparedMax) {
    const second = (start + 1 + Math.floor(sight.random() * (count - 1))) % count
    const better = lessLoaded(replicas, sight, limit, start, second)
    if (better !== -1) return better
  }
  let best = -1
  let bestLoad = limit
  for (let step = 0; step < count; step++) {
    // Beginning anywhere spreads requests that find everybody idle.
    const index = (start + step) % count
    const replica = replicas[index]!
    if (!sight.usable(replica)) continue
    const load = sight.load(replica)
    if (load >= bestLoad) continue
    best = index
    bestLoad = load
    if (load === 0) break
  }
  return best
}

function lessLoaded<Replica>(
  replicas: readonly Replica[],
  sight: Sight<Replica>,
  limit: number,
  one: number,
  other: number,
): number {
  const loadOf = (index: number) =>
    sight.usable(replicas[index]!) ? sight.load(replicas[index]!) : Infinity
  const [first, second] = [loadOf(one), loadOf(other)]
  if (Math.min(first, second) >= limit) return -1
  return first <= second ? one : other
}

/** Rendezvous: when a replica comes or goes, only its own clients move. One that is full passes them to the next in their row. */
function nearest<Replica>(
  replicas: readonly Replica[],
  sight: Sight<Replica>,
  limit: number,
  key: number,
): number {
  let best = -1
  let bestWeight = -1
  for (const [index, replica] of replicas.entries()) {
    const weight = mix(key ^ sight.hash(replica))
    if (weight <= bestWeight || !sight.usable(replica) || sight.load(replica) >= limit) continue
    best = index
    bestWeight = weight
  }
  return best
}
