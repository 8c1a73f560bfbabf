/** One input → one scored answer. A model that fails has answered wrongly; a scorer that fails has decided nothing, and throws. */
import type { TextProbability } from '../../protocols/openai/text-probability.ts'
import type { Asker } from '../ask.ts'
import { NoAnswer } from '../wire/exchange.ts'
import type { Target } from '../gate.ts'
import { inputOf } from '../inputs/input.ts'
import type { Got, Reading } from '../reading.ts'
import type { Scorer } from '../scores/scores.ts'
import type { GoldenSetSpec } from './evidence.ts'
import type { GoldenLine } from './lines.ts'
import type { Scored } from './tally.ts'

export function answererOf({
  asker,
  scorer,
  spec: { request, score: asked },
  reading,
}: {
  asker: Asker
  scorer: Scorer
  spec: Pick<GoldenSetSpec, 'request' | 'score'>
  reading: Reading
}) {
  return async ({ addresses }: Target, line: GoldenLine, index: number): Promise<Scored> => {
    const { answer, failure, firstTokenMs } = await asker
      .ask(
        addresses[index % addresses.length]!,
        inputOf(request, reading.body(line), 'golden-set').sent,
      )
      .then((answered) => reading.read(answered, line), failureOf)
    const result = { answer, firstTokenMs, probability: null }
    if (failure !== null) return { ...result, score: 0, failure }
    const score = await scorer.score(answer, line)
    if (typeof score === 'object') return { ...result, score: 0, failure: score.failure }
    const probability = asked.kind === 'perplexity' ? (answer as TextProbability) : null
    return { ...result, score, failure: null, probability }
  }
}

function failureOf(error: unknown): Got {
  if (error instanceof NoAnswer) return { answer: null, failure: error.message, firstTokenMs: null }
  throw error
}
