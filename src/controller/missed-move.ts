/**
 * A controller that died between the gateway's store and its own journal left a move without its line in the record. Its successor finds
 * the traffic moved, and writes it down late: nothing is forgotten (promise 9).
 */
import type { Move } from '../release/move.ts'
import type { Release } from '../release/release.ts'
import type { Event, NewEvent } from '../storage/events.ts'

/** @param before the release as it was when the move was decided @param at wall time, ms @returns null where nothing is missing */
export function missedMove(
  before: Release,
  move: Move,
  { events, at }: { events: readonly Event[]; at: number },
): NewEvent | null {
  const { phase, bundle, from } = before
  const isLeft =
    (phase.name === 'switching' && (move.to === 'watching' || move.to === 'switching')) ||
    (phase.name === 'rolling-back' && move.to === 'clearing')
  if (!isLeft || (phase.name !== 'switching' && phase.name !== 'rolling-back')) return null
  const { generation, since } = phase
  // On the way back from a lower rung the last part has a later number.
  const isWritten = events.some(
    ({ kind, data }) => kind === 'routing' && Number(data['generation']) >= generation,
  )
  if (isWritten) return null
  const share = phase.name === 'switching' ? (phase.share ?? 1) : 1
  const change = phase.name === 'rolling-back' ? 'rollback' : share === 1 ? 'switch' : 'step'
  const to = phase.name === 'rolling-back' ? (from?.version ?? 'the standby') : bundle.version
  return {
    at,
    service: before.service,
    release: before.id,
    kind: 'routing',
    by: 'beryl',
    text: `traffic had moved to ${to} by generation ${generation} when this controller looked: the one before had no time to write it down`,
    data: { change, share, generation, at, tookMs: Math.max(0, at - since.wall), late: true },
  }
}
