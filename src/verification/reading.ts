/** What is sent for a line of a golden set, and what its answer says: by its protocol. Pure. */
import { jsonPath } from '../protocols/json-path.ts'
import { readAnswer } from '../protocols/openai/answer.ts'
import { probabilityRequest, textProbability } from '../protocols/openai/text-probability.ts'
import { askedFor, isGood } from '../protocols/protocol.ts'
import { protocolOf } from '../protocols/protocols.ts'
import type { Answered } from './ask.ts'
import { short } from './examination.ts'
import type { GateSpec, Protocol } from './gate.ts'
import type { Input } from './inputs/input.ts'

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
export function readingOf(golden: GoldenSet): Reading {
  const { protocol, score } = golden
  return protocol === 'openai' && score.kind === 'perplexity' ? probability : plain(golden)
}

/** How an answer to a request is one: null, or what is wrong with it; and when the first token of a stream came. */
export function heard(
  protocol: Protocol,
  answered: Answered,
  { asked }: Pick<Input, 'asked'>,
): { wrong: string | null; firstTokenMs: number | null } {
  if (!isGood(answered)) return { wrong: statusSaid(answered), firstTokenMs: null }
  const read = protocolOf(protocol).read(answered, asked)
  return 'failure' in read ? { wrong: read.failure, firstTokenMs: null } : read
}

function statusSaid({ status, says }: Answered): string {
  return says ?? `status ${status}`
}

/** What the protocol finds in the answer, or what the path names in it. */
function plain({
  protocol: name,
  answer: path,
  request: { method, path: target },
}: GoldenSet): Reading {
  const protocol = protocolOf(name)
  const value = path === null ? null : jsonPath(path)
  return {
    wrongWith: ({ request }) =>
      method === 'GET' && request !== null
        ? 'a GET carries no body, so "request" would not be sent: use POST, or make it null'
        : method === 'GET'
          ? null
          : protocol.wrongRequest(request, target),
    body: ({ request }) => request,
    read(answered, { request }) {
      const shown = short(answered.body, shownLength)
      if (!isGood(answered)) return failed(statusSaid(answered), shown)
      const read = protocol.read(answered, askedFor(target, request))
      if ('failure' in read) return failed(read.failure, shown)
      if (read.wrong !== null) return failed(read.wrong, short(read.value, shownLength))
      if (value === null)
        return { answer: read.value, failure: null, firstTokenMs: read.firstTokenMs }
      if (read.whole === undefined) return failed('the answer is not JSON', shown)
      const found = value(read.whole)
      return found === undefined
        ? failed(`the answer has no ${path}`, shown)
        : { answer: found, failure: null, firstTokenMs: read.firstTokenMs }
    },
  }
}

const probability: Reading = {
  wrongWith: (line) =>
    protocolOf('openai').wrongRequest(line.request, '/v1/completions') ??
    (typeof (line.request as { prompt?: unknown }).prompt === 'string'
      ? null
      : 'score perplexity needs a "prompt" in "request", a text, as /v1/completions takes it'),
  body: ({ request, expected }) =>
    probabilityRequest(request as Record<string, unknown>, expected as string),
  read(answered, { request, expected }) {
    const shown = short(answered.body, shownLength)
    if (!isGood(answered)) return failed(`status ${answered.status}`, shown)
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
    return { answer: found, failure: null, firstTokenMs: null }
  },
}

function failed(failure: string, answer: unknown): Got {
  return { answer, failure, firstTokenMs: null }
}
