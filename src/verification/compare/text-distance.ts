/**
 * How far apart are two texts? 0 the same, 1 nothing in common: the mean of two views. Which words (Dice 1945: shared words,
 * each as often as both have it), and in which order (Levenshtein 1966 over words, by the longer text). Sampled answers to
 * one question share words and little order; a broken answer shares neither.
 * Reference: "a b c d", "a b x d" → words 0.75, order 0.75 → 0.25.
 */

import { sharedShare } from '../shared-share.ts'

/** Beyond so many words, after what both begin and end with, order is only looked at in the first ones: cost is bounded. */
const orderedMax = 400
/** A text beyond this is cut: no model writes so much into one field. */
const lengthMax = 200_000

/** Words; scripts without spaces by the sign; anything else that is no space by itself. */
const word =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]|[\p{L}\p{M}\p{N}_]+|[^\s]/gu

export function wordsOf(text: string): string[] {
  return text.slice(0, lengthMax).match(word) ?? []
}

export function textDistance(a: string, b: string): number {
  if (a === b) return 0
  const [own, other] = [wordsOf(a), wordsOf(b)]
  const longer = Math.max(own.length, other.length)
  if (longer === 0) return 1
  const words = sharedShare(own, other)
  const order = 1 - edits(own, other) / longer
  // Texts that differ in their spaces only are not the same, and nearly.
  return Math.max(1e-6, 1 - (words + order) / 2)
}

/** Words to insert, delete or replace; what lies beyond `orderedMax` counts as far apart as it differs in length and place. */
function edits(a: readonly string[], b: readonly string[]): number {
  let from = 0
  while (from < a.length && from < b.length && a[from] === b[from]) from++
  let [endA, endB] = [a.length, b.length]
  while (endA > from && endB > from && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  const own = a.slice(from, Math.min(endA, from + orderedMax))
  const other = b.slice(from, Math.min(endB, from + orderedMax))
  const looked = levenshtein(own, other)
  const longest = Math.max(own.length, other.length)
  const whole = Math.max(endA, endB) - from
  return longest === 0 ? 0 : looked * (whole / longest)
}

function levenshtein(a: readonly string[], b: readonly string[]): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
      )
    row = next
  }
  return row[b.length]!
}
