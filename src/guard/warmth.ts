/** Cold caches: how long a new instance takes says nothing at first. Whether it fails does. */

/** JSON. Instances of both versions, by the order in which they were met. */
export type Warmth = { name: string; since: number; seen: number }[]

export const coldMs = 30_000
export const coldRequests = 200
/** Those met first are long warm, or gone. */
const keptMax = 256

/** In place: an answer more of it. @param at wall time, ms @returns is it warm now? */
export function isWarm(warmth: Warmth, name: string, at: number): boolean {
  let found = warmth.find((one) => one.name === name)
  if (found === undefined) {
    found = { name, since: at, seen: 0 }
    warmth.push(found)
    if (warmth.length > keptMax) warmth.shift()
  }
  found.seen++
  // A clock that was set back must not make it older than it is.
  found.since = Math.min(found.since, at)
  return isOver(found, at)
}

/** The same of an answer that was counted already. */
export function wasWarm(warmth: Warmth, name: string, at: number): boolean {
  const found = warmth.find((one) => one.name === name)
  return found !== undefined && isOver(found, at)
}

function isOver({ seen, since }: Warmth[number], at: number): boolean {
  return seen > coldRequests && at - since >= coldMs
}
