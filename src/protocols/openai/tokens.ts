/**
 * What an answer cost in tokens: its `usage`, as https://platform.openai.com/docs/api-reference/chat/object has it (vLLM and others
 * alike; of streams only where `stream_options.include_usage` was asked for). A stream that does not say is counted: an event that brings
 * something is one token, as servers send them; some put several into one, so that is an estimate. Pure.
 */
import { isObject, jsonIn } from '../protocol.ts'
import { isEventStream } from './assembled.ts'
import { eventsIn } from './event-stream.ts'

/** `asked`: of the request; null: the answer does not say. `isEstimate`: of `written`. */
export type Tokens = { asked: number | null; written: number; isEstimate: boolean }

/** @returns null where nothing says how many */
export function tokensOf(body: string, contentType: string): Tokens | null {
  if (!isEventStream(body, contentType)) return saidIn(jsonIn(body))
  let said: Tokens | null = null
  let written = 0
  for (const { data } of eventsIn([{ text: body, ms: 0 }])) {
    const event = jsonIn(data)
    // Some say it with each event, as it stands by then.
    said = saidIn(event) ?? said
    if (isObject(event) && Array.isArray(event['choices']))
      written += event['choices'].filter(bringsSomething).length
  }
  if (said !== null) return said
  return written === 0 ? null : { asked: null, written, isEstimate: true }
}

function saidIn(answer: unknown): Tokens | null {
  const usage = isObject(answer) ? answer['usage'] : null
  if (!isObject(usage)) return null
  const [asked, written] = [countIn(usage, 'prompt_tokens'), countIn(usage, 'completion_tokens')]
  // Embeddings write none.
  if (asked === null && written === null) return null
  return { asked, written: written ?? 0, isEstimate: false }
}

function countIn(usage: Record<string, unknown>, key: string): number | null {
  const value = usage[key]
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null
}

function bringsSomething(choice: unknown): boolean {
  if (!isObject(choice)) return false
  const { text, delta } = choice
  if (typeof text === 'string' && text !== '') return true
  if (!isObject(delta)) return false
  const { content, reasoning_content: thought, reasoning, tool_calls: tools } = delta
  const isText = [content, thought, reasoning].some((one) => typeof one === 'string' && one !== '')
  return isText || (Array.isArray(tools) && tools.length > 0)
}
