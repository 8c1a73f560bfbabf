/** One answer of a client or a copy, as signals read it: its text, and the value at a place. Pure. */
import { StringDecoder } from 'node:string_decoder'
import { jsonPath } from '../../protocols/json-path.ts'
import { readAnswer, wrongWith } from '../../protocols/openai/answer.ts'
import type { Answer } from '../../protocols/openai/answer.ts'
import { isEventStream } from '../../protocols/openai/assembled.ts'
import type { Arrived } from '../../protocols/openai/event-stream.ts'
import { isObject } from '../../protocols/protocol.ts'
import { protocolOf } from '../../protocols/protocols.ts'
import type { ProtocolName } from '../../protocols/protocols.ts'
import type { SignalSettings } from './signal.ts'

export type Said = {
  /** Whole body, or what the language model wrote. */
  text: string
  /** A language model's `finish_reason`; null where there is none. */
  finish: string | null
  /** It asks for tools to be called, and need not say anything. */
  calls: boolean
  /** Why it is no answer of its protocol (cut, empty, ended badly); null: it is one. */
  wrong: string | null
  /** The body as JSON, a stream put together again; undefined where it is none. */
  whole: unknown
  /** Of a stream that ended well; null for any other answer. */
  times: TokenTimes | null
}

/** ms. */
export type TokenTimes = {
  /** From the request's assignment to the first token. A role, or a comment that keeps a connection open, is none. */
  firstToken: number
  /** From the first token to the last, for each token after the first; null for an answer of one. */
  perToken: number | null
}

/** @param arrived the body, in pieces where it is known when they came; else when that was is of no use */
export function saidBy(
  arrived: readonly Arrived[],
  contentType: string,
  protocol: SignalSettings['protocol'],
  target: string,
): Said {
  const body = arrived.map(({ text }) => text).join('')
  const none = { finish: null, calls: false, times: null }
  if (protocol === 'http') return { ...none, text: body, wrong: null, whole: parsed(body) }
  const whole = parsed(body)
  const isStream = isEventStream(body, contentType)
  const isText = protocol === 'openai' && (isStream || (isObject(whole) && 'choices' in whole))
  if (!isText) return { ...none, ...other(body, protocol, target) }
  const read = readAnswer(arrived, isStream)
  if ('failure' in read) return { ...none, text: '', wrong: read.failure, whole: undefined }
  const { text, finish, calls } = read.answer
  const times = timesOf(read.answer)
  return { text, finish, calls, wrong: wrongWith(read.answer), whole: read.answer.whole, times }
}

/** When each piece of a body came: a letter may lie in two. @param pieces flat pairs: ms, bytes */
export function arrivedIn(body: Buffer, pieces: readonly number[]): Arrived[] {
  const decoder = new StringDecoder()
  const arrived: Arrived[] = []
  let at = 0
  for (let piece = 0; piece < pieces.length; piece += 2) {
    const end = piece + 2 < pieces.length ? at + pieces[piece + 1]! : body.length
    arrived.push({ text: decoder.write(body.subarray(at, end)), ms: pieces[piece]! })
    at = end
  }
  return [...arrived, { text: decoder.end(), ms: pieces.at(-2) ?? 0 }]
}

function timesOf({ firstTokenMs, lastTokenMs, tokens }: Answer): TokenTimes | null {
  if (firstTokenMs === null || lastTokenMs === null) return null
  const further = (tokens ?? 0) - 1
  const perToken = further > 0 ? (lastTokenMs - firstTokenMs) / further : null
  return { firstToken: firstTokenMs, perToken }
}

/** What is no text of a language model: embeddings, tensors, lists of models. */
function other(
  body: string,
  protocol: ProtocolName,
  target: string,
): Pick<Said, 'text' | 'wrong' | 'whole'> {
  const asked = { target, streamed: false, writes: false }
  const read = protocolOf(protocol).read(
    { status: 200, body, pieces: [{ text: body, ms: 0 }] },
    asked,
  )
  if ('failure' in read) return { text: body, wrong: read.failure, whole: undefined }
  return { text: body, wrong: read.wrong, whole: read.whole }
}

/** @returns how to read the place; undefined where it is not there @throws JsonPathError */
export function placeIn(place: string | null): (said: Said) => unknown {
  if (place === null) return ({ text }) => text
  const read = jsonPath(place)
  return ({ whole }) => (whole === undefined ? undefined : read(whole))
}

/** Patterns are tried on text as it is, on anything else as JSON. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
