/** What is sent for a line of a golden set, and what its answer says: one way for each protocol. Pure. */
import { readAnswer, wrongWith } from '../protocols/openai/answer.ts'
import { probabilityRequest, textProbability } from '../protocols/openai/text-probability.ts'
import type { Answered } from './ask.ts'
import { short } from './examination.ts'
import type { GateSpec } from './gate.ts'
import { jsonPath } from '../protocols/json-path.ts'

export type Got = {
  answer: unknown
  /** Why there is no answer to score. */
  failure: string | null
  /** Of a stream. */
  firstTokenMs: number | null
}

export type Asked = { request: unknown; expected: unknown }

export type Reading = {
  /** Null, or why such a line cannot be asked. */
  wrongWith(line: Asked): string | null
  body(line: Asked): unknown
  /** @throws Error where the server does not tell what is asked: nothing is decided then */
  read(answered: Answered, line: Asked): Got
}

type GoldenSet = Pick<GateSpec & { kind: 'goldenSet' }, 'protocol' | 'answer' | 'score' | 'request'>

const shownLength = 80

/** @throws JsonPathError for a path that it does not understand */
export function readingOf({ protocol, answer, score, request }: GoldenSet): Reading {
  if (protocol === 'http') return plain(answer, request.method)
  return score.kind === 'perplexity' ? probability : openai(answer)
}

/** Null for an answer to a warm-up request that is one, else what is wrong with it. */
export function wrongAnswer(
  protocol: GateSpec['protocol'],
  answered: Answered,
  body: unknown,
): string | null {
  const { status } = answered
  if (status < 200 || status > 299) return `status ${status}`
  if (protocol === 'http') return null
  const read = readAnswer(answered.pieces, isStreamed(body))
  return 'failure' in read ? read.failure : wrongWith(read.answer)
}

/** When the first token of a streamed answer came; null where there was none. */
export function firstTokenMsOf(
  protocol: GateSpec['protocol'],
  answered: Answered,
  body: unknown,
): number | null {
  if (protocol === 'http' || !isStreamed(body)) return null
  const read = readAnswer(answered.pieces, true)
  return 'failure' in read ? null : read.answer.firstTokenMs
}

function plain(path: string | null, method: string): Reading {
  const value = jsonPath(path ?? '$')
  return {
    wrongWith: ({ request }) =>
      method === 'GET' && request !== null
        ? 'a GET carries no body, so "request" would not be sent: use POST, or make it null'
        : null,
    body: ({ request }) => request,
    read({ status, body }) {
      const shown = short(body, shownLength)
      if (status < 200 || status > 299) return failed(`status ${status}`, shown)
      let whole: unknown
      try {
        whole = JSON.parse(body)
      } catch {
        return path === null ? got(body) : failed('the answer is not JSON', shown)
      }
      const found = value(whole)
      return found === undefined ? failed(`the answer has no ${path}`, shown) : got(found)
    },
  }
}

/** The text that was written, or what the path names in the answer: a stream is read as the whole answer that it adds up to. */
function openai(path: string | null): Reading {
  const value = path === null ? null : jsonPath(path)
  return {
    wrongWith: notAnObject,
    body: ({ request }) => request,
    read(answered, { request }) {
      const shown = short(answered.body, shownLength)
      if (answered.status < 200 || answered.status > 299)
        return failed(`status ${answered.status}`, shown)
      const read = readAnswer(answered.pieces, isStreamed(request))
      if ('failure' in read) return failed(read.failure, shown)
      const { text, whole, firstTokenMs } = read.answer
      const wrong = wrongWith(read.answer)
      if (wrong !== null) return failed(wrong, short(text, shownLength))
      const found = value === null ? text : value(whole)
      return found === undefined
        ? failed(`the answer has no ${path}`, shown)
        : { answer: found, failure: null, firstTokenMs }
    },
  }
}

const probability: Reading = {
  wrongWith: (line) =>
    notAnObject(line) ??
    (typeof (line.request as { prompt?: unknown }).prompt === 'string'
      ? null
      : 'score perplexity needs a "prompt" in "request", a text, as /v1/completions takes it'),
  body: ({ request, expected }) =>
    probabilityRequest(request as Record<string, unknown>, expected as string),
  read(answered, { request, expected }) {
    const shown = short(answered.body, shownLength)
    if (answered.status < 200 || answered.status > 299)
      return failed(`status ${answered.status}`, shown)
    const read = readAnswer(answered.pieces, false)
    if ('failure' in read) return failed(read.failure, shown)
    const found = textProbability(read.answer.whole, {
      given: (request as { prompt: string }).prompt,
      expected: expected as string,
    })
    if ('missing' in found)
      throw new Error(
        `the server answers, and ${found.missing}: perplexity needs a /v1/completions that knows "echo" and "logprobs" (vLLM does); use another score where there is none`,
      )
    return got(found)
  },
}

function notAnObject({ request }: Asked): string | null {
  return typeof request === 'object' && request !== null && !Array.isArray(request)
    ? null
    : '"request" must be an object, as the API of OpenAI takes it'
}

function isStreamed(body: unknown): boolean {
  return (body as { stream?: unknown } | null | undefined)?.stream === true
}

function got(answer: unknown): Got {
  return { answer, failure: null, firstTokenMs: null }
}

function failed(failure: string, answer: string | null): Got {
  return { answer, failure, firstTokenMs: null }
}
