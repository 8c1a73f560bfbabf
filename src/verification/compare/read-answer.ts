/** What an answer says, in a form that can be compared. */
import { isGrpc } from '../../protocols/grpc/framing.ts'
import { byName } from '../../protocols/kserve-v2.ts'
import { assembled, isEventStream } from '../../protocols/openai/assembled.ts'
import type { Answer, Comparison } from './comparison.ts'

export type Said =
  | { form: 'json'; value: unknown }
  | { form: 'text'; value: string }
  | { form: 'bytes'; value: Uint8Array }
  /** Not what the protocol says. */
  | { form: 'garbage'; why: string; value: string }

export function said(answer: Answer, protocol: Comparison['protocol']): Said {
  const type = mediaType(answer)
  if (protocol === 'grpc' && isGrpc(type)) return { form: 'bytes', value: Buffer.from(answer.body) }
  const text = textOf(answer.body)
  if (text === null) {
    if (protocol === 'http') return { form: 'bytes', value: answer.body as Uint8Array }
    return { form: 'garbage', why: 'not UTF-8', value: '(bytes)' }
  }
  if (protocol === 'openai' && isEventStream(text, type)) return stream(text)
  if (protocol === 'http' && !/[/+]json$/.test(type)) return { form: 'text', value: text }
  try {
    const value: unknown = JSON.parse(text)
    if (protocol === 'kserve-v2' || protocol === 'grpc')
      return { form: 'json', value: byName(value) ?? value }
    return { form: 'json', value: protocol === 'openai' ? readable(value) : value }
  } catch {
    return { form: 'garbage', why: 'not JSON', value: text }
  }
}

/** Without its parameters, in lower case. */
export function mediaType({ headers }: Answer): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
}

function stream(text: string): Said {
  const read = assembled(text)
  if (read === null)
    return { form: 'garbage', why: 'the stream has an event that is none', value: text }
  if (!read.ended) return { form: 'garbage', why: 'the stream was cut', value: text }
  return { form: 'json', value: readable(read.whole) }
}

/** The arguments of a tool call are JSON in a text: compared as what they say, not as it is spelled. */
function readable(answer: unknown): unknown {
  for (const choice of listOf(answer, 'choices'))
    for (const call of listOf(of(choice, 'message'), 'tool_calls')) {
      const asked = of(call, 'function') as { arguments?: unknown } | undefined
      if (typeof asked?.arguments !== 'string') continue
      try {
        asked.arguments = JSON.parse(asked.arguments) as unknown
      } catch {
        // It stays the text that it is.
      }
    }
  return answer
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const list = of(value, key)
  return Array.isArray(list) ? list : []
}

function of(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined
}

function textOf(body: Uint8Array | string): string | null {
  if (typeof body === 'string') return body
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return null
  }
}
