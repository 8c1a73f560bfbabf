/**
 * Perplexity of many texts: exp(−Σ log-probabilities / Σ tokens), in tokens of the model's own tokenizer. Lower is better.
 *
 * Texts are what was drawn, not tokens (those of one text hang together), so the interval is that of a ratio of sums over
 * texts (Cochran, Sampling Techniques, 1977, §2.11, without the finite population correction), on the logarithm.
 * Reference: log-probabilities −6, −4, −5 over 2, 2, 2 tokens → exp(2.5) = 12.1825, standard error of the logarithm
 * 0.288675, interval [6.918556, 21.451464].
 */
import type { TextProbability } from '../../protocols/openai/text-probability.ts'

export type Perplexity = { value: number; interval95: [number, number]; standardError: number }

const z = 1.959964

export function perplexityOf(texts: readonly TextProbability[]): Perplexity {
  const ratio = ratioOf(texts.map((text) => [-text.logProbability, text.tokens]))
  return exponentialOf(ratio)
}

/**
 * How many times as high the first one's perplexity is as the second's, on the same texts. Both are counted in tokens of
 * the second: another tokenizer cuts the same text into more or fewer, and would win or lose by that alone.
 */
export function timesAsHigh(
  pairs: readonly (readonly [TextProbability, TextProbability])[],
): Perplexity {
  return exponentialOf(
    ratioOf(
      pairs.map(([first, second]) => [second.logProbability - first.logProbability, second.tokens]),
    ),
  )
}

/** Σ of the first by Σ of the second, and its standard error. */
function ratioOf(pairs: readonly (readonly [number, number])[]): { ratio: number; error: number } {
  const count = pairs.length
  const below = pairs.reduce((sum, [, second]) => sum + second, 0)
  const ratio = pairs.reduce((sum, [first]) => sum + first, 0) / below
  const squares = pairs.reduce((sum, [first, second]) => sum + (first - ratio * second) ** 2, 0)
  // One text has no spread to see.
  const error = count < 2 ? Infinity : Math.sqrt((squares * count) / (count - 1)) / below
  return { ratio, error }
}

function exponentialOf({ ratio, error }: { ratio: number; error: number }): Perplexity {
  return {
    value: Math.exp(ratio),
    interval95: [Math.exp(ratio - z * error), Math.exp(ratio + z * error)],
    standardError: error,
  }
}
