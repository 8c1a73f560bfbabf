/** A request as gates write it (JSON) → a call of gRPC; its answer → status, type and body as HTTP has them. One message each way is read; a stream stays bytes. */
import { isKnown, messageFromJson, messageInJson } from '../../protocols/grpc/messages.ts'
import { framed, isGrpc, messagesIn } from '../../protocols/grpc/framing.ts'
import { ProtobufError } from '../../protocols/grpc/protobuf.ts'
import { statusOf } from '../../protocols/grpc/status.ts'
import { jsonIn, pathOf } from '../../protocols/protocol.ts'
import { decoded } from '../capture/decode.ts'
import { NoAnswer } from '../wire/exchange.ts'
import type { Received, Sent } from '../wire/exchange.ts'

const type = 'application/grpc'
/** The same input is sent again and again under load: it is written once. */
const written = new WeakMap<Sent, Sent>()

/** A recorded message goes as it is. @throws ProtobufError where no message can be made of it */
export function toCall(sent: Sent): Sent {
  const known = written.get(sent)
  if (known !== undefined) return known
  const fields = Object.entries(sent.headers).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  )
  const isCall = fields.some(([name, value]) => name === 'content-type' && isGrpc(String(value)))
  const headers = Object.fromEntries(
    fields.filter(([name]) => name !== 'content-length' && (isCall || name !== 'content-type')),
  )
  const call: Sent = isCall
    ? { ...sent, headers }
    : {
        ...sent,
        method: 'POST',
        headers: { ...headers, 'content-type': type },
        body: framed(message(sent)),
      }
  written.set(sent, call)
  return call
}

function message({ target, body }: Sent): Uint8Array {
  const text = body.toString()
  const request = text === '' ? null : jsonIn(text)
  if (request === undefined) throw new ProtobufError('the request is no JSON')
  return messageFromJson(pathOf({ target }), request)
}

/** @throws NoAnswer where it is none of gRPC, or does not say how it ended */
export function fromCall(received: Received, target: string): Received {
  const { status, headers, trailers = {}, chunks } = received
  if (status < 200 || status > 299) return received
  const contentType = headers['content-type'] ?? ''
  if (!isGrpc(contentType))
    throw new NoAnswer(
      `status ${status} with ${contentType === '' ? 'no content type' : contentType}: no answer of gRPC`,
      false,
    )
  const said = (name: string) => (trailers[name] ?? headers[name]) as string | undefined
  const code = said('grpc-status')
  if (code === undefined) throw new NoAnswer('it ended without a grpc-status', false)
  const body = Buffer.concat(chunks.map(({ bytes }) => bytes))
  const packing = String(headers['grpc-encoding'] ?? '')
  const answer = answerOf({ target, code, message: said('grpc-message'), body, packing })
  // As it is read now it came in one piece, and began when its first bytes did.
  const ms = chunks[0]?.ms ?? received.ms
  return {
    status: answer.status,
    ...(answer.says === undefined ? {} : { says: answer.says }),
    headers: { ...headers, 'content-type': answer.type },
    trailers,
    chunks: answer.body.length === 0 ? [] : [{ bytes: answer.body, ms }],
    ms: received.ms,
  }
}

export type CallAnswer = {
  status: number
  /** How it ended, where not with OK. */
  says?: string
  type: string
  body: Buffer
}

/** @param packing as `grpc-encoding` says it */
export function answerOf({
  target,
  code,
  message,
  body,
  packing,
}: {
  target: string
  code: string
  message: string | undefined
  body: Buffer
  packing: string
}): CallAnswer {
  if (code !== '0') {
    const { status, says } = statusOf(code, message)
    return { status, says, type: 'text/plain', body: Buffer.from(says) }
  }
  const json = inJson(target, 'response', body, packing)
  if (json !== null) return { status: 200, type: 'application/json', body: json }
  return { status: 200, type, body }
}

/** Null where it is no single message that is known. */
export function inJson(
  target: string,
  side: 'request' | 'response',
  body: Buffer,
  packing: string,
): Buffer | null {
  const path = pathOf({ target })
  const [only, ...more] = isKnown(path) ? (messagesIn(body) ?? []) : []
  if (only === undefined || more.length > 0) return null
  const plain = only.isPacked ? decoded(Buffer.from(only.bytes), packing) : only.bytes
  try {
    return plain === null ? null : Buffer.from(JSON.stringify(messageInJson(path, side, plain)))
  } catch (error) {
    if (error instanceof ProtobufError) return null
    throw error
  }
}

/** What is not read, for a golden set or a person: the messages in base64. */
export function bytesInJson(body: Buffer): string {
  const all = (messagesIn(body) ?? []).map(({ bytes }) => Buffer.from(bytes).toString('base64'))
  return JSON.stringify({ base64: all.length === 1 ? all[0] : all })
}
