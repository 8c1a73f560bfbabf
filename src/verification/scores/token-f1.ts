/**
 * F1 of the words of an answer, as SQuAD counts it (Rajpurkar et al. 2016, its evaluation script): lower case, without punctuation
 * and English articles, cut at white space; of several references the best.
 */
import { sharedShare } from '../shared-share.ts'

const textMaxLength = 100_000

export function tokenF1(text: string, references: readonly string[]): number {
  const own = wordsOf(text)
  return Math.max(...references.map((reference) => f1Of(own, wordsOf(reference))))
}

function f1Of(own: readonly string[], wanted: readonly string[]): number {
  // No words at all is an answer only where none are expected.
  if (own.length === 0 || wanted.length === 0) return own.length === wanted.length ? 1 : 0
  return sharedShare(own, wanted)
}

function wordsOf(text: string): string[] {
  return text
    .slice(0, textMaxLength)
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, '')
    .replace(/\b(a|an|the)\b/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '')
}
