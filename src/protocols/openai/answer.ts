/** Answers of `/v1/completions` and `/v1/chat/completions`, whole or streamed, read into one shape. Pure. */
import { eventsIn } from './event-stream.ts'
import type { Arrived } from './event-stream.ts'

export type Answer = {
  /** As the server gives it when it does not stream: a stream is put together again. */
  whole: Record<string, unknown>
  text: string
  /** `stop`, `length`, `tool_calls`, …; null where the server gave none. */
  finish: string | null
  /** It asks for tools or functions to be called, and need not say anything. */
  calls: boolean
  /** When the first piece of the answer itself came; null where it was not streamed. A role or a comment is no token. */
  firstTokenMs: number | null
  /** When the last one came; null as above. */
  lastTokenMs: number | null
  /** As the server says (`usage.completion_tokens`), else the pieces of a stream that hold something; null where neither tells. */
  tokens: number | null
}

export type Read = { answer: Answer } | { failure: string }

type Json = Record<string, unknown>

const done = '[DONE]'
const shownLength = 200
/** How an answer ends that is one. `content_filter` and what a server makes up are none. */
const goodEnds = ['stop', 'length', 'tool_calls', 'function_call']

/** @param streamed what was asked for: a whole answer to that is no stream, and the other way round */
export function readAnswer(pieces: readonly Arrived[], streamed: boolean): Read {
  return streamed ? readStream(pieces) : readWhole(pieces.map(({ text }) => text).join(''))
}

/** Null for an answer that one can use, else what is wrong with it. */
export function wrongWith({ finish, text, calls }: Answer): string | null {
  if (finish === null) return 'the answer has no finish_reason: it may have been cut'
  if (!goodEnds.includes(finish)) return `the answer ended with finish_reason ${finish}`
  return text.trim() === '' && !calls ? 'the answer is empty' : null
}

function readWhole(body: string): Read {
  const whole = jsonIn(body)
  if (whole === null) return { failure: 'the answer is no JSON object' }
  const choice = choiceOf(whole)
  if (choice === null) return { failure: `the answer has no choices${said(whole)}` }
  return {
    answer: {
      whole,
      text: textIn(choice, 'message'),
      finish: finishOf(choice),
      calls: calls(objectOf(choice['message'])),
      firstTokenMs: null,
      lastTokenMs: null,
      tokens: tokensIn(whole['usage']),
    },
  }
}

function readStream(pieces: readonly Arrived[]): Read {
  let text = ''
  let finish: string | null = null
  let called = false
  let firstTokenMs: number | null = null
  let lastTokenMs: number | null = null
  let counted = 0
  let chat = false
  let first: Json | null = null
  let usage: unknown = null
  for (const { data, ms } of eventsIn(pieces)) {
    if (data === done) {
      if (first === null) return { failure: 'the stream had no choices' }
      const content = chat ? { message: { role: 'assistant', content: text } } : { text }
      const whole = { ...first, choices: [{ index: 0, ...content, finish_reason: finish }], usage }
      const tokens = tokensIn(usage) ?? counted
      return { answer: { whole, text, finish, calls: called, firstTokenMs, lastTokenMs, tokens } }
    }
    const event = jsonIn(data)
    if (event === null)
      return {
        failure: `the stream had an event that is no JSON object: ${data.slice(0, shownLength)}`,
      }
    if (event['error'] !== undefined) return { failure: `the stream broke off${said(event)}` }
    usage = event['usage'] ?? usage
    const choice = choiceOf(event)
    if (choice === null) continue
    first ??= event
    const delta = objectOf(choice['delta'])
    chat ||= delta !== null
    const more = textIn(choice, 'delta')
    if (more !== '' || thinks(delta) || calls(delta)) {
      firstTokenMs ??= ms
      lastTokenMs = ms
      counted++
    }
    text += more
    called ||= calls(delta)
    finish = finishOf(choice) ?? finish
  }
  return {
    failure:
      first === null
        ? 'asked for a stream, and no stream came'
        : `the stream ended without ${done}: it was cut`,
  }
}

/** The first choice; more than one is asked for by nobody here. */
function choiceOf(answer: Json): Json | null {
  const { choices } = answer
  return Array.isArray(choices) ? objectOf(choices[0]) : null
}

function textIn(choice: Json, key: 'message' | 'delta'): string {
  const text = choice['text'] ?? objectOf(choice[key])?.['content']
  return typeof text === 'string' ? text : ''
}

function tokensIn(usage: unknown): number | null {
  const tokens = objectOf(usage)?.['completion_tokens']
  return typeof tokens === 'number' && Number.isInteger(tokens) && tokens >= 0 ? tokens : null
}

function finishOf({ finish_reason: finish }: Json): string | null {
  return typeof finish === 'string' ? finish : null
}

function calls(message: Json | null): boolean {
  const tools = message?.['tool_calls']
  return (Array.isArray(tools) && tools.length > 0) || objectOf(message?.['function_call']) !== null
}

/** vLLM and others send what a model thinks under names of their own, before what it says. */
function thinks(delta: Json | null): boolean {
  return ['reasoning_content', 'reasoning'].some(
    (key) => typeof delta?.[key] === 'string' && delta[key] !== '',
  )
}

/** The message of an error object, for a sentence. */
function said({ error }: Json): string {
  const message = typeof error === 'string' ? error : objectOf(error)?.['message']
  return typeof message === 'string' ? `: ${message.slice(0, shownLength)}` : ''
}

function objectOf(value: unknown): Json | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : null
}

function jsonIn(text: string): Json | null {
  try {
    return objectOf(JSON.parse(text))
  } catch {
    return null
  }
}
