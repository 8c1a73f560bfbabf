/**
 * What was randomised is what is counted. Where clients stick to a version, the client is: each says one thing in a release,
 * its first answer. Twenty answers of one unlucky client are one piece of evidence, not twenty.
 */

/** Hashes of the clients that were counted. JSON. */
export type Units = Record<string, 1>

/** More are not counted: so many clients have said what there is to say, and the state stays small. */
export const unitsMax = 20_000

/** In place. @returns does this answer count? Never twice for one client */
export function countsOnce(units: Units, client: string): boolean {
  const key = hashOf(client)
  if (units[key] !== undefined || Object.keys(units).length >= unitsMax) return false
  units[key] = 1
  return true
}

/** FNV-1a, 32 bits: two clients that share one are counted as one. The sign in front keeps keys from being numbers. */
function hashOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return `=${hash.toString(36)}`
}
