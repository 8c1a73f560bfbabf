/** What is kept of a golden run: a small row for each input, the kinds of failures, and the few worst examples. */
import type { TextProbability } from '../../protocols/openai/text-probability.ts'
import { jsonPath } from '../../protocols/json-path.ts'
import { short } from '../examination.ts'
import type { Score } from '../gate.ts'
import { labelsOf } from '../scores/labels.ts'
import { isOfLabels } from './figure.ts'
import type { GoldenLine } from './lines.ts'

export type Scored = {
  /** 0 wrong … 1 right. */
  score: number
  answer: unknown
  /** Why there is no answer to score. */
  failure: string | null
  /** Of a streamed answer. */
  firstTokenMs: number | null
  /** Of the expected text, where that is what is scored. */
  probability: TextProbability | null
}

export type Result = { line: GoldenLine; candidate: Scored; live: Scored | null }

/** `live` is null where nothing was compared. */
export type Row = Side & {
  slice: string
  /** Labels, where those are scored together. */
  expected: readonly string[]
  live: Side | null
}

export type Side = Pick<Scored, 'score' | 'firstTokenMs' | 'probability'> & {
  failed: boolean
  /** The same, as answered: none where there is no answer. */
  labels: readonly string[]
}

export type Example = {
  line: number
  request: string
  expected: string
  candidate: string
  live?: string
}

export type Tally = ReturnType<typeof openTally>

const examplesMax = 10
const textMax = 300
const failureKindsMax = 20
const labelMaxLength = 60

/** @param slicePath in the request, for lines that name no slice themselves @throws JsonPathError */
export function openTally(score: Score, slicePath: string | null = null) {
  const sliceAt = slicePath === null ? null : jsonPath(slicePath)
  const labels = isOfLabels(score)
  const rows: Row[] = []
  let worst: { harm: number; example: Example }[] = []
  const kinds = { candidate: new Map<string, number>(), live: new Map<string, number>() }
  let count = 0
  let failed = 0

  return {
    /** @param index the input's place in the set: sums are taken in this order, whoever answered first */
    add(index: number, { line, candidate, live }: Result): void {
      count++
      rows[index] = {
        slice: line.slice ?? sliceOf(line),
        expected: labels ? labelsOf(line.expected) : [],
        ...sideOf(candidate),
        live: live && sideOf(live),
      }
      if (candidate.failure !== null) failed++
      note(kinds.candidate, candidate.failure)
      note(kinds.live, live?.failure ?? null)
      if (candidate.score === 1) return
      // Where the candidate lost what live had comes first.
      const harm = (live?.score ?? 1) - candidate.score
      worst.push({ harm, example: exampleOf({ line, candidate, live }) })
      worst = worst
        .toSorted((a, b) => b.harm - a.harm || a.example.line - b.example.line)
        .slice(0, examplesMax)
    },
    get count() {
      return count
    },
    /** Inputs to which the candidate gave no answer that can be scored. */
    get failed() {
      return failed
    },
    /** In the order of the set. */
    rows: (): readonly Row[] => rows.filter((row) => row !== undefined),
    examples: (): readonly Example[] => worst.map(({ example }) => example),
    /** The kinds of failures and how often each came, the most frequent first. */
    failures: (of: 'candidate' | 'live' = 'candidate') =>
      [...kinds[of]]
        .map(([failure, times]) => ({ failure, times }))
        .toSorted((a, b) => b.times - a.times || (a.failure < b.failure ? -1 : 1)),
  }

  function sideOf({ score: own, answer, failure, firstTokenMs, probability }: Scored): Side {
    const failed = failure !== null
    const said = labels && !failed ? labelsOf(answer) : []
    return { score: own, failed, labels: said, firstTokenMs, probability }
  }

  function sliceOf({ request, expected }: GoldenLine): string {
    if (sliceAt === null) return labelOf(score, expected)
    const found = sliceAt(request)
    return found === undefined ? '(none)' : short(found, labelMaxLength)
  }
}

function note(kinds: Map<string, number>, failure: string | null): void {
  if (failure === null) return
  const name = short(failure, textMax)
  const kind = kinds.has(name) || kinds.size < failureKindsMax ? name : 'other failures'
  kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
}

/** Results are told apart by label where labels are what is expected; elsewhere by the `slice` of the file only. */
function labelOf({ kind }: Score, expected: unknown): string {
  const scalar = ['string', 'number', 'boolean'].includes(typeof expected)
  return ['exact', 'f1'].includes(kind) && scalar ? short(expected, labelMaxLength) : 'all'
}

function exampleOf({ line, candidate, live }: Result): Example {
  return {
    line: line.line,
    request: short(line.request, textMax),
    expected: short(line.expected, textMax),
    candidate: said(candidate),
    ...(live === null ? {} : { live: said(live) }),
  }
}

function said({ answer, failure }: Scored): string {
  if (failure === null) return short(answer, textMax)
  return short(answer === null ? failure : `${failure}: ${short(answer, textMax)}`, textMax)
}
