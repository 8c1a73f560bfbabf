/** Mean and standard deviation of a stream. Source: Welford 1962. Reference: 2, 4, 4, 4, 5, 5, 7, 9 → mean 5, sd 2 (of the whole). */
export type Moments = { count: number; mean: number; squares: number }

/** @param guess as if so many observations had been seen before, with this mean and standard deviation */
export function beginMoments(guess?: { count: number; mean: number; sd: number }): Moments {
  if (guess === undefined) return { count: 0, mean: 0, squares: 0 }
  return { count: guess.count, mean: guess.mean, squares: guess.count * guess.sd ** 2 }
}

/** In place. */
export function addMoment(moments: Moments, x: number): void {
  moments.count++
  const before = x - moments.mean
  moments.mean += before / moments.count
  moments.squares += before * (x - moments.mean)
}

export function deviation({ count, squares }: Moments): number {
  return count === 0 ? 0 : Math.sqrt(squares / count)
}
