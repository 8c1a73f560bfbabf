/** Does the same for every item, so many at a time, in order of beginning; stops at the first throw or when it is told to. */
export async function eachOf<Item>(
  items: readonly Item[],
  concurrency: number,
  signal: AbortSignal,
  act: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const walk = async () => {
    while (next < items.length) {
      signal.throwIfAborted()
      const index = next++
      await act(items[index]!, index)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, walk))
}
