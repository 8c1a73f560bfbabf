/**
 * Requests that wait for a replica, in the order in which they were claimed. A replica that becomes free in any worker raises
 * one word in shared memory, and every worker with somebody waiting is woken by it: nobody asks again and again.
 */
import type { Claim } from './claim.ts'
import type { Shared } from './shared.ts'

export type Waiting = { readonly claim: Claim; dial(fresh: boolean): void }

/** Both of two workers that reached for the last place stepped back: then nobody rises the word, and this does. */
const againMs = 20

export function openQueue({ freed }: Shared) {
  const lines = new Map<number, Set<Waiting>>()

  return {
    join(one: Waiting): void {
      const { slot } = one.claim.environment.queue
      const line = lines.get(slot)
      if (line !== undefined) return void line.add(one)
      lines.set(slot, new Set([one]))
      serve(slot)
    },

    /** It does not wait any longer. */
    leave(one: Waiting): void {
      lines.get(one.claim.environment.queue.slot)?.delete(one)
    },
  }

  function serve(slot: number): void {
    // The word is read before anybody tries: what becomes free from here on is not missed.
    const seen = Atomics.load(freed, slot)
    const line = lines.get(slot)!
    for (const one of line) {
      if (!one.claim.enter()) break
      line.delete(one)
      one.dial(false)
    }
    if (line.size === 0) return void lines.delete(slot)
    const { async, value } = Atomics.waitAsync(freed, slot, seen, againMs)
    if (async) void value.then(() => serve(slot))
    else setImmediate(() => serve(slot))
  }
}
