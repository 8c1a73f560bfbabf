/** An exchange of gRPC that was heard on its way, as if it had been one of HTTP with JSON: then all that reads exchanges reads it. */
import type { Tapped } from '../../ipc/exchanges.ts'
import { isGrpc } from '../../protocols/grpc/framing.ts'
import { headerOf, headersIn } from '../capture/headers.ts'
import { answerOf, inJson } from './sending.ts'

/** Of how it was framed or packed on its way. */
const ofTheWay = new Set([
  'content-type',
  'content-length',
  'grpc-encoding',
  'grpc-accept-encoding',
  'grpc-timeout',
])

/** Where a side cannot be read it stays the bytes that it is, of type `application/grpc`. */
export function inPlainWords(one: Tapped): Tapped {
  const [asked, answered] = [
    headersIn(one.lines),
    headersIn(one.answerLines + (one.trailerLines ?? '')),
  ]
  if (!isGrpc(headerOf(asked, 'content-type')) || one.status < 200) return one
  const packing = headerOf(asked, 'grpc-encoding')
  const request = inJson(one.target, 'request', one.request, packing)
  const plainRequest =
    request === null ? {} : { request, lines: typed(one.lines, 'application/json') }
  const code = headerOf(answered, 'grpc-status')
  // What stood between answered in place of the server.
  if (!isGrpc(headerOf(answered, 'content-type')) || code === '') return { ...one, ...plainRequest }
  const { status, type, body } = answerOf({
    target: one.target,
    code,
    message: headerOf(answered, 'grpc-message'),
    body: one.answer,
    packing: headerOf(answered, 'grpc-encoding'),
  })
  const isAsItCame = body === one.answer
  return {
    ...one,
    ...plainRequest,
    status,
    answerLines: isAsItCame ? one.answerLines : typed(one.answerLines, type),
    answer: body,
    pieces: isAsItCame ? one.pieces : body.length === 0 ? [] : [one.totalMs, body.length],
  }
}

function typed(lines: string, type: string): string {
  const kept = headersIn(lines).filter(([name]) => !ofTheWay.has(name.toLowerCase()))
  return [['content-type', type] as const, ...kept]
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}
