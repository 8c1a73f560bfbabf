/**
 * How to read a request, an answer and whether that is one: one small file for each protocol, and this shape for all of them.
 * Pure. What asks in it knows no protocol by name.
 */

export type Heard = {
  status: number
  body: string
  /** The body as it came; `ms` from the first byte sent. */
  pieces: readonly { text: string; ms: number }[]
}

/** What was asked: where, and what of it decides how the answer is read. */
export type AskedFor = {
  target: string
  /** A stream. */
  streamed: boolean
  /** A text to be continued or answered, whatever the path is called. */
  writes: boolean
}

/** @param body as JSON, where it is */
export function askedFor(target: string, body: unknown): AskedFor {
  const request = isObject(body) ? body : {}
  return {
    target,
    streamed: request['stream'] === true,
    writes: 'prompt' in request || 'messages' in request,
  }
}

export type Understood = {
  /** What is scored where the manifest names nothing in the answer. */
  value: unknown
  /** What a JSON path reads; undefined where the answer is no JSON. A stream is the whole answer that it adds up to. */
  whole: unknown
  /** When the first token of a stream came; null for what is none. */
  firstTokenMs: number | null
  /** `value` and `whole` can be read, and still it is no answer: empty, cut, or ended badly. */
  wrong: string | null
}

export type Protocol = {
  /** Of an answer with a 2xx status. */
  read(heard: Heard, asked: AskedFor): Understood | { failure: string }
  /** Null, or why such a body cannot be a request. @param target path and query that it goes to */
  wrongRequest(body: unknown, target: string): string | null
}

export function isGood({ status }: Pick<Heard, 'status'>): boolean {
  return status >= 200 && status <= 299
}

/** Without its query. */
export function pathOf({ target }: Pick<AskedFor, 'target'>): string {
  return target.split('?')[0]!
}

/** Undefined for what is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
