/** Wrong tokens at the sign-in, by address: after a few of them nothing is tried for a while, right or wrong. */

const wrongMax = 10
const lockedMs = 60_000
/** Addresses that are remembered; beyond, the oldest is forgotten. */
const addressesMax = 1000

export type Guesses = ReturnType<typeof guessesFrom>

export function guessesFrom(now: () => number = Date.now) {
  const wrong = new Map<string, { count: number; last: number }>()
  const of = (address: string) => {
    const known = wrong.get(address)
    return known !== undefined && now() - known.last < lockedMs ? known : { count: 0, last: 0 }
  }

  return {
    /** Seconds to wait; 0: it may be tried. */
    waitS: (address: string): number => {
      const { count, last } = of(address)
      return count < wrongMax ? 0 : Math.ceil((last + lockedMs - now()) / 1000)
    },
    wrong(address: string): void {
      const { count } = of(address)
      wrong.delete(address)
      wrong.set(address, { count: count + 1, last: now() })
      if (wrong.size > addressesMax) wrong.delete(wrong.keys().next().value!)
    },
    right: (address: string): void => void wrong.delete(address),
  }
}
