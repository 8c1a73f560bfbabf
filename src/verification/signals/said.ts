/** One answer of a client or a copy, as signals read it: its text, and the value at a place. Pure. */
import { jsonPath } from '../../protocols/json-path.ts'
import { readAnswer, wrongWith } from '../../protocols/openai/answer.ts'
import { isEventStream } from '../../protocols/openai/assembled.ts'
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
}

export function saidBy(
  body: string,
  contentType: string,
  protocol: SignalSettings['protocol'],
  target: string,
): Said {
  if (protocol === 'http')
    return { text: body, finish: null, calls: false, wrong: null, whole: parsed(body) }
  const whole = parsed(body)
  const isStream = isEventStream(body, contentType)
  const isText = protocol === 'openai' && (isStream || (isObject(whole) && 'choices' in whole))
  if (!isText) return other(body, protocol, target)
  const read = readAnswer([{ text: body, ms: 0 }], isStream)
  if ('failure' in read)
    return { text: '', finish: null, calls: false, wrong: read.failure, whole: undefined }
  const { text, finish, calls } = read.answer
  return { text, finish, calls, wrong: wrongWith(read.answer), whole: read.answer.whole }
}

/** What is no text of a language model: embeddings, tensors, lists of models. */
function other(body: string, protocol: ProtocolName, target: string): Said {
  const asked = { target, streamed: false, writes: false }
  const read = protocolOf(protocol).read(
    { status: 200, body, pieces: [{ text: body, ms: 0 }] },
    asked,
  )
  const said = { text: body, finish: null, calls: false }
  if ('failure' in read) return { ...said, wrong: read.failure, whole: undefined }
  return { ...said, wrong: read.wrong, whole: read.whole }
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
