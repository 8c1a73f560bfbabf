/**
 * A model that loops: of all runs of four words in a text, the share that occurred before in the same text. Good prose is
 * below one in a hundred, a loop near one. Four words, because three are repeated by ordinary speech ("one of the").
 */
export const runWords = 4
/** Enough to see a loop; an answer may be megabytes. */
const textMaxLength = 100_000

/** Words of any language, also of those that put no spaces between them. */
const words = new Intl.Segmenter('en', { granularity: 'word' })

/** Null for a text that is too short to have a run. */
export function repeatedShare(text: string): number | null {
  const found = [...words.segment(text.slice(0, textMaxLength).toLowerCase())]
    .filter(({ isWordLike }) => isWordLike)
    .map(({ segment }) => segment)
  const runs = found.slice(runWords - 1).map((_, at) => found.slice(at, at + runWords).join(' '))
  return runs.length === 0 ? null : 1 - new Set(runs).size / runs.length
}
