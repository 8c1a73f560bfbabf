/**
 * Does the same for every item, so many at a time, in order of beginning. After the first throw, or when it is told to
 * stop, nothing further is begun; what is under way is not waited for.
 */
export async function eachOf<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  { concurrency, signal }: { concurrency: number; signal: AbortSignal },
  act: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const iterator =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  let begun = 0
  let over = false
  const walk = async () => {
    for (;;) {
      signal.throwIfAborted()
      const next = await iterator.next()
      if (next.done === true || over) return
      await act(next.value, begun++)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, walk))
  } finally {
    over = true
    await iterator.return?.()
  }
}
