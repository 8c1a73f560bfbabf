/** A request of a client that is asked once more: as it came, from the tap or from a capture. */
import type { Tapped } from '../../ipc/exchanges.ts'
import { bytesOf } from '../capture/captured.ts'
import { headersIn } from '../capture/headers.ts'
import type { Captured } from '../capture/captured.ts'
import { redactedMark } from '../capture/redact.ts'
import type { Header } from '../capture/redact.ts'
import type { Sent } from '../wire/exchange.ts'

export type Copy = {
  /** Names it to people. */
  id: string
  method: string
  target: string
  headers: readonly Header[]
  body: Buffer
}

/** Of one connection, or of how the body was sent there. Packed answers would have to be unpacked. */
const notSent = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'grpc-accept-encoding',
  'grpc-timeout',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])
const bodyless = new Set(['GET', 'HEAD', 'OPTIONS'])

export function copyOfTapped({ requestId, method, target, lines, request }: Tapped): Copy {
  return { id: requestId, method, target, headers: headersIn(lines), body: request }
}

/** @param own headers of the gate, in place of those that were taken out or went before */
export function copyOfCaptured(
  { requestId, request: { method, target, headers, body } }: Captured,
  own: Readonly<Record<string, string>>,
): Copy {
  const names = new Set(Object.keys(own).map((name) => name.toLowerCase()))
  const kept = headers.filter(
    ([name, value]) => value !== redactedMark && !names.has(name.toLowerCase()),
  )
  return {
    id: requestId,
    method,
    target,
    headers: [...kept, ...Object.entries(own)],
    body: bytesOf(body),
  }
}

/** Marked, so that billing can leave it out: as every copy, and with the gate that it is for. */
export function sentFrom({ method, target, headers, body }: Copy, purpose: string): Sent {
  const sent: Record<string, string | string[]> = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    if (notSent.has(key) || key.startsWith('beryl-')) continue
    const before = sent[key]
    sent[key] = before === undefined ? value : [before, value].flat()
  }
  if (body.length > 0 || !bodyless.has(method)) sent['content-length'] = String(body.length)
  return { method, target, headers: { ...sent, 'beryl-copy': '1', 'beryl-test': purpose }, body }
}
