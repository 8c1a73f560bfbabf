/**
 * How much does it carry? Rates rise by a quarter until one does not hold; between the last that held and the first that
 * did not it is halved a few times (on the log scale), to some 3 %.
 */
export type Capacity = {
  /** The highest rate that held. */
  perSecond: number
  /** The lowest that did not; null: all that was tried held, so it may be more. */
  notPerSecond: number | null
}

const rise = 1.25
const halvings = 3

/**
 * @param from a rate that holds already
 * @param holds null where that could not be found out: the way ends there
 */
export async function climb(
  { from, to }: { from: number; to: number },
  holds: (perSecond: number) => Promise<boolean | null>,
): Promise<Capacity> {
  let good = from
  let bad: number | null = null
  for (let halved = 0; halved < halvings && good < to;) {
    const next: number = bad === null ? Math.min(to, good * rise) : Math.sqrt(good * bad)
    const held = await holds(next)
    if (held === null) break
    if (bad !== null) halved++
    if (held) good = next
    else bad = next
  }
  return { perSecond: good, notPerSecond: bad }
}
