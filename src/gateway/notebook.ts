/** What a worker saw, handed on in batches. Bounded: when main falls behind, whole batches are dropped, and counted. */
import type { Observation } from './control.ts'

const batchMax = 512
const flushMs = 25
/** Above this many a batch interval, what is left is dropped: an overload must not become a memory leak. */
const heldMax = 20_000

export function openNotebook(
  hand: (
    items: readonly Observation[],
    dropped: readonly { service: string; count: number }[],
  ) => void,
) {
  let items: Observation[] = []
  const dropped = new Map<string, number>()
  let timer: NodeJS.Timeout | null = null
  return {
    add(item: Observation): void {
      if (items.length >= heldMax)
        return void dropped.set(item.service, (dropped.get(item.service) ?? 0) + 1)
      items.push(item)
      if (items.length >= batchMax) flush()
      else timer ??= setTimeout(flush, flushMs)
    },
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    hand(
      items,
      [...dropped].map(([service, count]) => ({ service, count })),
    )
    items = []
    dropped.clear()
  }
}
