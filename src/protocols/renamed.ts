/**
 * A request that names what one version serves, as the other version must be asked for it. Pure.
 *
 * Only what names exactly that is changed, and nothing else moves: numbers keep their digits, bytes that are no UTF-8 stay.
 */
import { openaiRenamed } from './openai/renamed.ts'
import { grpcRenamed } from './grpc/renamed.ts'
import { kserveRenamed } from './kserve-v2.ts'

/** What a version's server calls what it serves; null where nothing says it. */
export type ServedName = { model: string | null; version: string | null }

export type Renames = {
  protocol: 'openai' | 'kserve-v2' | 'grpc'
  from: ServedName
  to: ServedName
}

export type Asking = { target: string; body: Buffer }

/** Null where it names nothing of `from`. */
export function renamed(asking: Asking, { protocol, from, to }: Renames): Asking | null {
  const ways = { openai: openaiRenamed, 'kserve-v2': kserveRenamed, grpc: grpcRenamed }
  return ways[protocol](asking, from, to)
}
