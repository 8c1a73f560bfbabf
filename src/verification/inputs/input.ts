/** What a gate asks a version, ready to be sent, whoever wrote it: a golden set, a client whose request was recorded, the manifest. */
import { askedFor } from '../../protocols/protocol.ts'
import type { AskedFor } from '../../protocols/protocol.ts'
import type { RequestShape } from '../gate.ts'
import type { Sent } from '../wire/exchange.ts'

export type Input = {
  sent: Sent
  /** How its answer is read. */
  asked: AskedFor
  /** Of the body, in bytes. */
  size: number
}

/** @param purpose goes along as `Beryl-Test`, so that billing can leave the request out */
export function inputOf(
  { method, path, headers }: RequestShape,
  body: unknown,
  purpose: string,
): Input {
  const text = body === undefined || method === 'GET' ? '' : JSON.stringify(body)
  const size = Buffer.byteLength(text)
  return {
    sent: {
      method,
      target: path,
      headers: {
        ...(text === '' ? {} : { 'content-type': 'application/json' }),
        ...headers,
        'content-length': size,
        'beryl-test': purpose,
      },
      body: text,
    },
    asked: askedFor(path, body),
    size,
  }
}
