/**
 * What comes and goes with each request, in no order. A Set would do, and costs a tenth of a request: V8 grows a new table
 * every few hundred requests, each old table leads to the next and to what it held, and the collector of young objects takes
 * all of it for alive until the next full collection.
 */
export type Bagged = { place: number }

export class Bag<Item extends Bagged> {
  private readonly items: Item[] = []

  get size(): number {
    return this.items.length
  }

  add(item: Item): void {
    item.place = this.items.push(item) - 1
  }

  /** Does nothing where it is not in. */
  delete(item: Item): void {
    if (this.items[item.place] !== item) return
    const last = this.items.pop()!
    if (last === item) return
    this.items[item.place] = last
    last.place = item.place
  }

  /** As of now: what is walked over may come and go meanwhile. */
  all(): Item[] {
    return [...this.items]
  }
}
