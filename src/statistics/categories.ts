/** How often each version gave each category. JSON, bounded: an answer that is different each time is not a category. */

export type Counts = { new: number; old: number }
export type Categories = { counts: Record<string, Counts>; known: number }

/** Categories beyond these are counted as one. */
export const categoriesMax = 1000

export function beginCategories(): Categories {
  return { counts: {}, known: 0 }
}

/** The counts of a category, to be read before and added to after a bet. */
export function countsOf(categories: Categories, category: string): Counts {
  // Categories come from models' answers: the sign in front keeps names such as __proto__ ordinary.
  const key = `=${category}`
  const found = categories.counts[key]
  if (found !== undefined) return found
  if (categories.known >= categoriesMax) return (categories.counts['others'] ??= { new: 0, old: 0 })
  categories.known++
  return (categories.counts[key] = { new: 0, old: 0 })
}
