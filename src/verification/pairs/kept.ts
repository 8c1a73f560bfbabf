/** What of requests and answers may be compared and shown: a verdict is journalled, logged and sent around. */
import { createHmac, randomBytes } from 'node:crypto'
import { decoded } from '../capture/decode.ts'
import { redactorOf } from '../capture/redact.ts'
import type { RedactRules } from '../capture/redact.ts'
import type { Answer } from '../compare/comparison.ts'
import type { Copy } from './copy.ts'

export type Keeper = ReturnType<typeof keeperOf>

/**
 * Values that are taken out still compare: equal ones get equal marks, by a key that is nobody's and ends with the gate.
 * @throws JsonPathError, SyntaxError
 */
export function keeperOf(rules: RedactRules) {
  const key = randomBytes(32)
  const mark = (value: string | Buffer) =>
    `[redacted ${createHmac('sha256', key).update(value).digest('hex').slice(0, 12)}]`
  const redactor = redactorOf(rules, mark)
  // Paths lead nowhere in a sentence.
  const words = redactorOf({ ...rules, paths: [] }, mark)
  /** Where the rules cannot be followed, nothing of it is shown but whether it is the same. */
  const bodyOf = (bytes: Buffer, type: string) =>
    redactor.body(bytes, type) ?? Buffer.from(mark(bytes))

  return {
    answer(status: number, headers: Readonly<Record<string, unknown>>, body: Buffer): Answer {
      const text = (name: string) => (typeof headers[name] === 'string' ? headers[name] : '')
      const type = text('content-type')
      const plain = decoded(body, text('content-encoding')) ?? body
      return { status, headers: { 'content-type': type }, body: bodyOf(plain, type) }
    },

    /** A sentence that may quote an answer. */
    text: (said: string): string =>
      (words.body(Buffer.from(said), 'text/plain') ?? Buffer.from(mark(said))).toString(),

    /** As JSON where it is, else as text: for slices and examples. */
    request({ method, target, headers, body }: Copy): unknown {
      const type = headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
      const packed = headers.find(([name]) => name.toLowerCase() === 'content-encoding')?.[1] ?? ''
      const text = bodyOf(decoded(body, packed) ?? body, type).toString()
      try {
        return JSON.parse(text) as unknown
      } catch {
        return `${method} ${redactor.target(target)} ${text}`.trimEnd()
      }
    },
  }
}

export const noAnswer: Answer = { status: 0, headers: {}, body: '' }
