/** What comes by itself, for those who take it one by one. Bounded: when it is full, what comes is refused. */
export class Inbox<Item> implements AsyncIterable<Item> {
  private readonly items: { item: Item; bytes: number }[] = []
  private readonly takers: ((result: IteratorResult<Item, undefined>) => void)[] = []
  private readonly limits: { items: number; bytes: number }
  private bytes = 0
  private ended = false

  constructor(limits: { items: number; bytes: number }) {
    this.limits = limits
  }

  /** False where there is no room. */
  put(item: Item, bytes: number): boolean {
    if (this.ended) return false
    const taker = this.takers.shift()
    if (taker !== undefined) {
      taker({ value: item, done: false })
      return true
    }
    if (this.items.length >= this.limits.items || this.bytes + bytes > this.limits.bytes)
      return false
    this.items.push({ item, bytes })
    this.bytes += bytes
    return true
  }

  /** Nothing further is taken out, either. */
  end(): void {
    this.ended = true
    this.items.length = 0
    for (const taker of this.takers.splice(0)) taker({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): AsyncIterator<Item, undefined> {
    return {
      next: () => {
        const first = this.items.shift()
        if (first !== undefined) {
          this.bytes -= first.bytes
          return Promise.resolve({ value: first.item, done: false })
        }
        if (this.ended) return Promise.resolve({ value: undefined, done: true })
        return new Promise((resolve) => this.takers.push(resolve))
      },
    }
  }
}
