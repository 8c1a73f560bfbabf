/** One input → one scored answer. A model that fails has answered wrongly; a scorer that fails has decided nothing, and throws. */
import type { Asker } from '../ask.ts'
import { NoAnswer } from '../ask.ts'
import { short } from '../examination.ts'
import type { Target } from '../gate.ts'
import type { JsonPath } from '../json-path.ts'
import type { Scorer } from '../scores/scores.ts'
import type { GoldenLine } from './lines.ts'
import type { Scored } from './tally.ts'

const shownLength = 80

/** @param read where in the answer the value is; `path` null takes all of it, and text where it is not JSON */
export function answererOf({
  asker,
  scorer,
  read,
}: {
  asker: Asker
  scorer: Scorer
  read: { answer: JsonPath; path: string | null }
}) {
  return async ({ addresses }: Target, line: GoldenLine, index: number): Promise<Scored> => {
    const got = await asker
      .ask(addresses[index % addresses.length]!, line.request)
      .then(({ status, body }) => valueOf(status, body, read), failureOf)
    if ('failure' in got) return { score: 0, ...got }
    const score = await scorer.score(got.answer, line.expected, line.line)
    return { score, answer: got.answer, failure: null }
  }
}

type Got = { answer: unknown } | { answer: unknown; failure: string }

function valueOf(
  status: number,
  body: string,
  { answer, path }: { answer: JsonPath; path: string | null },
): Got {
  const shown = short(body, shownLength)
  if (status < 200 || status > 299) return { answer: shown, failure: `status ${status}` }
  let whole: unknown
  try {
    whole = JSON.parse(body)
  } catch {
    return path === null ? { answer: body } : { answer: shown, failure: 'the answer is not JSON' }
  }
  const value = answer(whole)
  return value === undefined
    ? { answer: shown, failure: `the answer has no ${path}` }
    : { answer: value }
}

function failureOf(error: unknown): Got {
  if (error instanceof NoAnswer) return { answer: null, failure: error.message }
  throw error
}
