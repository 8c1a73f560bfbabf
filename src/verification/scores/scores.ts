/** How right is an answer? 1 right, 0 wrong, or anything between. A scorer that cannot tell throws: then nothing is decided. */
import { isDeepStrictEqual } from 'node:util'
import type { Score } from '../gate.ts'
import { jsonPath } from '../json-path.ts'
import { openModuleScore } from './module-score.ts'

export type Scorer = {
  score(answer: unknown, expected: unknown, line: number): Promise<number> | number
  close(): Promise<void>
}

export async function scorerOf(score: Score): Promise<Scorer> {
  const pure = (act: (answer: unknown, expected: unknown, line: number) => boolean): Scorer => ({
    score: (answer, expected, line) => (act(answer, expected, line) ? 1 : 0),
    close: async () => {},
  })
  switch (score.kind) {
    case 'exact':
      return pure((answer, expected) => isDeepStrictEqual(answer, expected))
    case 'oneOf':
      return pure((answer, expected, line) => {
        if (!Array.isArray(expected))
          throw new Error(`line ${line}: score oneOf needs a list in "expected"`)
        return expected.some((one) => isDeepStrictEqual(answer, one))
      })
    case 'numeric':
      return pure((answer, expected, line) => {
        if (typeof expected !== 'number')
          throw new Error(`line ${line}: score numeric needs a number in "expected"`)
        return typeof answer === 'number' && Math.abs(answer - expected) <= score.tolerance
      })
    case 'jsonFields': {
      const fields = score.fields.map((field) =>
        jsonPath(field.startsWith('$') ? field : `$.${field}`),
      )
      return pure((answer, expected) =>
        fields.every((field) => isDeepStrictEqual(field(answer), field(expected))),
      )
    }
    case 'regex': {
      const patterns = new Map<string, RegExp>()
      return pure((answer, expected, line) => {
        if (typeof expected !== 'string')
          throw new Error(`line ${line}: score regex needs a pattern in "expected"`)
        const pattern = patterns.get(expected) ?? compile(expected, line)
        patterns.set(expected, pattern)
        return typeof answer === 'string' && pattern.test(answer)
      })
    }
    case 'module':
      return openModuleScore(score.file)
  }
}

function compile(pattern: string, line: number): RegExp {
  try {
    return new RegExp(pattern, 'u')
  } catch (cause) {
    throw new Error(`line ${line}: the pattern does not compile (${(cause as Error).message})`, {
      cause,
    })
  }
}
