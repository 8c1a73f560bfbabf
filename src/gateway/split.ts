/**
 * While a switch goes in steps: which of two versions answers this request? Either a coin is thrown for each request, or each
 * client has its point between 0 and 1 for the whole release, and is answered by the new version once the share has reached it.
 * So a client changes sides once at most, shares only grow, and another release draws its points anew.
 */
import { namedBy } from './affinity.ts'
import { hashOf, mix } from './hash.ts'
import type { SlottedEnvironment, SlottedTable } from './slotted.ts'
import type { Exchange } from './wire/wire.ts'

const points = 2 ** 32

/** What the coin was thrown for: a number that stands for the client, 0 for the request itself. */
export type Side = { environment: SlottedEnvironment; client: number }

/**
 * @param random between 0 and 1, where no client is asked for
 * @returns null where the client does not say who it is: it has no part in the split, and the old version answers
 */
export function sideOf(
  { to, share, sticky }: NonNullable<SlottedTable['split']>,
  live: SlottedEnvironment,
  exchange: Pick<Exchange, 'fields' | 'remoteAddress'>,
  random: () => number,
): Side | null {
  if (sticky === null) return { environment: random() < share ? to : live, client: 0 }
  const name =
    sticky.by === 'address' ? exchange.remoteAddress : namedBy(sticky, exchange.fields.lines)
  if (name === '' || name === null) return null
  const client = mix(hashOf(name))
  const point = mix(client ^ hashOf(to.release)) / points
  // 0 is said of those that are nobody.
  return { environment: point < share ? to : live, client: client === 0 ? 1 : client }
}
