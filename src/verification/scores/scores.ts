/**
 * How right is an answer? 1 right, 0 wrong, or anything between; or a failure of the model, which is wrong and says why. A
 * scorer that cannot tell throws: then nothing is decided.
 */
import type { TextProbability } from '../../protocols/openai/text-probability.ts'
import type { Score } from '../gate.ts'
import { jsonPath } from '../../protocols/json-path.ts'
import { jsonIn } from '../../protocols/protocol.ts'
import { f1OfOne } from '../../statistics/f1.ts'
import { jsonSchema } from '../json-schema.ts'
import type { TokenCounter } from '../token-count.ts'
import { chrf } from './chrf.ts'
import { commandScorer } from './command-score.ts'
import { judgeScorer } from './judge-score.ts'
import { labelsOf, wrongLabels } from './labels.ts'
import { openModuleScore } from './module-score.ts'
import { matches, wrongWithPattern } from './pattern.ts'
import { repeatedShare, runWords } from './repetition.ts'
import { sameJson } from './same-json.ts'
import { tokenF1 } from './token-f1.ts'

export type Failure = { failure: string }

/** What was asked, and what is expected. */
export type Line = { line: number; request: unknown; expected: unknown }

export type Scorer = {
  /** Null, or why this score can do nothing with what a line expects; asked for every line before a request is sent. */
  wrongWith(expected: unknown): string | null
  score(answer: unknown, line: Line): Promise<number> | number | Failure
  /** Of a judge. */
  tokens?: TokenCounter
  close(): Promise<void>
}

/** @throws Error for a JSON path that is not understood, or a module that cannot be loaded */
export async function scorerOf(score: Score): Promise<Scorer> {
  switch (score.kind) {
    case 'exact':
      return scorer(sameJson)
    case 'oneOf':
      return scorer(
        (answer, expected) => (expected as unknown[]).some((one) => sameJson(answer, one)),
        (expected) => (Array.isArray(expected) ? null : 'needs a list in "expected"'),
      )
    case 'numeric':
      return scorer(
        (answer, expected) => near(answer, expected as number, score.tolerance),
        (expected) => (typeof expected === 'number' ? null : 'needs a number in "expected"'),
      )
    case 'jsonFields':
      return fieldsScorer(score.fields)
    case 'regex':
      return scorer(
        (answer, expected) => matches(expected as string, textOf(answer)),
        (expected) => {
          if (typeof expected !== 'string') return 'needs a pattern in "expected"'
          const wrong = wrongWithPattern(expected)
          return wrong === null ? null : `cannot use the pattern: ${wrong}`
        },
      )
    case 'perplexity':
      return perplexityScorer
    case 'noRepeats':
      return { wrongWith: () => null, score: (answer) => unrepeated(answer), close: nothing }
    case 'valid':
      // What is not valid has failed before it is scored.
      return scorer(() => true)
    case 'f1':
      return score.average === 'tokens' ? tokenScorer : labelScorer
    case 'chrf':
      return textScorer((text, [reference]) => chrf(text, reference!), false)
    case 'jsonSchema':
      return schemaScorer(score.schema)
    case 'module':
      return openModuleScore(score.file)
    case 'judge':
      return judgeScorer(score)
    case 'command':
      return commandScorer(score)
  }
}

function scorer(
  isRight: (answer: unknown, expected: unknown) => boolean,
  wrongWith: Scorer['wrongWith'] = () => null,
): Scorer {
  return {
    wrongWith,
    score: (answer, { expected }) => (isRight(answer, expected) ? 1 : 0),
    close: nothing,
  }
}

/** Of one input; what is judged is the F1 of all of them (golden-set/figure.ts). */
const labelScorer: Scorer = {
  wrongWith: wrongLabels,
  score: (answer, { expected }) =>
    f1OfOne({ expected: labelsOf(expected), answered: labelsOf(answer) }),
  close: nothing,
}

const tokenScorer = textScorer(tokenF1, true)

/** @param several references may be a list of texts */
function textScorer(
  score: (text: string, references: readonly string[]) => number,
  several: boolean,
): Scorer {
  const needed = several
    ? 'needs a text, or a list of texts, in "expected"'
    : 'needs a text in "expected"'
  const referencesOf = (expected: unknown): unknown[] =>
    several && Array.isArray(expected) ? expected : [expected]
  return {
    wrongWith: (expected) => {
      const all = referencesOf(expected)
      return all.length > 0 && all.every((one) => typeof one === 'string') ? null : needed
    },
    score: (answer, { expected }) => score(textOf(answer), referencesOf(expected) as string[]),
    close: nothing,
  }
}

/** The share of answers that are as the schema has it; what is wrong with the others is said. @throws Error for a schema that is none */
function schemaScorer(schema: unknown): Scorer {
  const check = jsonSchema(schema)
  return {
    wrongWith: () => null,
    score(answer) {
      const wrong = check(answeredJson(answer))
      return wrong === null ? 1 : { failure: `not as the schema has it: ${wrong}` }
    },
    close: nothing,
  }
}

/** A language model answers JSON as a text. */
function answeredJson(answer: unknown): unknown {
  return typeof answer === 'string' ? (jsonIn(answer) ?? answer) : answer
}

async function nothing(): Promise<void> {}

/** The mean probability of a token: shows which texts went badly. What is judged is the perplexity of all of them. */
const perplexityScorer: Scorer = {
  wrongWith: (expected) =>
    typeof expected === 'string' && expected !== '' ? null : 'needs a text in "expected"',
  score(answer) {
    const { logProbability, tokens } = answer as TextProbability
    return Math.exp(logProbability / tokens)
  },
  close: nothing,
}

function unrepeated(answer: unknown): number | Failure {
  const share = repeatedShare(textOf(answer))
  if (share !== null) return 1 - share
  return { failure: `the answer has fewer than ${runWords} words: too short to repeat itself` }
}

/** A field is a JSON path, or names with dots between them. One that is not expected would be "equal" wherever it is missing. */
function fieldsScorer(names: readonly string[]): Scorer {
  const fields = names.map((name) => ({
    name,
    read: jsonPath(name.startsWith('$') ? name : `$.${name}`),
  }))
  return scorer(
    (answer, expected) => fields.every(({ read }) => sameJson(read(answer), read(expected))),
    (expected) => {
      const missing = fields.find(({ read }) => read(expected) === undefined)
      return missing === undefined ? null : `needs the field ${missing.name} in "expected"`
    },
  )
}

/** Differences of decimal fractions are a little off: 1.1 and 1.0 are 0.1 apart. */
function near(answer: unknown, expected: number, tolerance: number): boolean {
  if (typeof answer !== 'number') return false
  const rounding = 4 * Number.EPSILON * Math.max(Math.abs(answer), Math.abs(expected))
  return Math.abs(answer - expected) <= tolerance + rounding
}

/** A pattern is tried on text as it is, on anything else as JSON. */
function textOf(answer: unknown): string {
  return typeof answer === 'string' ? answer : JSON.stringify(answer)
}
