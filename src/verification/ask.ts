/** Sends one test request to a replica, as its gate has it. */
import { StringDecoder } from 'node:string_decoder'
import type { RequestShape } from './gate.ts'
import { lineOf } from './send.ts'
import type { Received, Sent } from './send.ts'

/** `ms` is from the first byte sent to the last byte received, or to the last one of a piece of the body. */
export type Answered = {
  status: number
  body: string
  pieces: readonly { text: string; ms: number }[]
  ms: number
}

export type Asker = {
  /** @throws NoAnswer: no connection, no whole answer in time, cut, too large. The reason of `signal` once that is aborted. */
  ask(address: string, body: unknown, timeoutS?: number): Promise<Answered>
  /** Cuts what is under way. */
  close(): void
}

/** @param purpose goes along as `Beryl-Test`, so that billing can leave the request out */
export function askerOf(
  shape: RequestShape,
  { purpose, connections, signal }: { purpose: string; connections: number; signal: AbortSignal },
): Asker {
  const line = lineOf({ connections, signal })
  return {
    ask: async (address, body, timeoutS = shape.timeoutS) =>
      inText(await line.send(sent(shape, body, purpose), address, timeoutS)),
    close: () => line.close(),
  }
}

function sent({ method, path, headers }: RequestShape, body: unknown, purpose: string): Sent {
  const text = body === undefined || method === 'GET' ? '' : JSON.stringify(body)
  return {
    method,
    target: path,
    headers: {
      ...(text === '' ? {} : { 'content-type': 'application/json' }),
      ...headers,
      'content-length': Buffer.byteLength(text),
      'beryl-test': purpose,
    },
    body: text,
  }
}

function inText({ status, chunks, ms }: Received): Answered {
  const decoder = new StringDecoder()
  const pieces = chunks.map((chunk) => ({ text: decoder.write(chunk.bytes), ms: chunk.ms }))
  pieces.push({ text: decoder.end(), ms })
  return { status, body: pieces.map(({ text }) => text).join(''), pieces, ms }
}
