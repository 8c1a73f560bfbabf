/** For tests only: answers as servers give them. */
import type { Answer, Comparison } from './comparison.ts'

export function json(value: unknown, status = 200): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(value),
  }
}

/** A chat's answer; every one has an id of its own. */
export function chat(content: string, id = String(content.length)): Answer {
  return json({
    id,
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: { completion_tokens: content.length },
  })
}

export function stream(...events: readonly unknown[]): Answer {
  const lines = events.map((event) => `data: ${JSON.stringify(event)}\n\n`)
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8' },
    body: Buffer.from(`${lines.join('')}data: [DONE]\n\n`),
  }
}

export const asJson: Comparison = { protocol: 'json', ignore: [], tolerances: [], text: 'exact' }
export const asChat: Comparison = {
  protocol: 'openai',
  ignore: [],
  tolerances: [],
  text: { similar: 0.95 },
}
