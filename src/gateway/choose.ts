/** Which replica? The least outstanding requests, among the healthy ones. Pure: counts are passed in. */

/**
 * @param load requests in flight on a replica; @param usable false for one that was ejected
 * @returns the index, or -1 where there are none. When none is usable all are tried: a guess is better than a refusal.
 */
export function chooseReplica<Replica>(
  replicas: readonly Replica[],
  load: (replica: Replica) => number,
  usable: (replica: Replica) => boolean,
  start: number,
): number {
  let best = -1
  let bestLoad = Infinity
  for (let step = 0; step < replicas.length; step++) {
    // Beginning at another one each time spreads requests that find everybody idle.
    const index = (start + step) % replicas.length
    const replica = replicas[index]!
    if (!usable(replica)) continue
    const here = load(replica)
    if (here < bestLoad) {
      best = index
      bestLoad = here
      if (here === 0) break
    }
  }
  if (best !== -1 || replicas.length === 0) return best
  return start % replicas.length
}
