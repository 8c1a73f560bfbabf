/** Does a model server of HTTP/2 answer? One connection, one call, one time limit. */
import { connect, constants } from 'node:http2'
import type { IncomingHttpHeaders } from 'node:http2'
import { connectPeer, peerTrouble } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'

export type Question = {
  host: string
  port: number
  /** `grpc`: a method that takes an empty message and answers with `1` (SERVING, true) in its first field. */
  speaks: 'http2' | 'grpc'
  path: string
  /** How the server proves who it is; without it nothing is encrypted. */
  tls?: Peer | undefined
  timeoutMs: number
  /** Gives up at once. */
  signal?: AbortSignal
  /** Without gRPC: reads the body of a 2xx answer; null where it is right, else what is wrong with it. */
  judge?: (body: string) => string | null
}

/** What answers `SERVING` or `ready` is a few bytes; a list of models is more. */
const answerMaxBytes = { usual: 64 * 1024, judged: 1024 * 1024 }
/** An empty message of gRPC: not compressed, no bytes. */
const empty = Buffer.alloc(5)
const unimplemented = '12'

/** @returns null when it is ready, else why not */
export function askHttp2({
  host,
  port,
  speaks,
  path,
  tls,
  timeoutMs,
  signal,
  judge,
}: Question): Promise<string | null> {
  const isGrpc = speaks === 'grpc'
  const name = isGrpc ? path : `GET ${path}`
  return new Promise<string | null>((resolve) => {
    // A connection of its own: a kept one would say nothing about new ones, and nothing stays open to a server that may be stopped next.
    const scheme = tls === undefined ? 'http' : 'https'
    const session = connect(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, {
      settings: { enablePush: false },
      ...(tls === undefined
        ? {}
        : { createConnection: () => connectPeer(tls, { host, port, ALPNProtocols: ['h2'] }) }),
    })
    const answer: { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: Buffer } = {
      headers: {},
      trailers: {},
      body: Buffer.alloc(0),
    }
    const end = (why: string | null) => {
      clearTimeout(late)
      signal?.removeEventListener('abort', abort)
      session.destroy()
      resolve(why)
    }
    const late = setTimeout(() => end(`${name}: no answer within ${timeoutMs} ms`), timeoutMs)
    const abort = () => end(`${name}: given up`)
    if (signal?.aborted === true) return abort()
    signal?.addEventListener('abort', abort, { once: true })
    const over = tls === undefined ? 'without TLS' : 'over TLS'
    const failed = (error: Error) =>
      end(`${name}: ${peerTrouble(error)} (asked in HTTP/2, ${over})`)
    session.on('error', failed)
    session.on('close', () => end(`${name}: the connection was closed without an answer`))
    const stream = session.request(
      isGrpc
        ? {
            ':method': 'POST',
            ':path': path,
            'content-type': 'application/grpc',
            te: 'trailers',
            'user-agent': 'beryl-probe',
          }
        : { ':path': path, 'user-agent': 'beryl-probe' },
      { endStream: !isGrpc },
    )
    stream.on('response', (headers) => (answer.headers = headers))
    stream.on('trailers', (trailers: IncomingHttpHeaders) => (answer.trailers = trailers))
    stream.on('data', (chunk: Buffer) => {
      answer.body = Buffer.concat([answer.body, chunk])
      const most = judge === undefined ? answerMaxBytes.usual : answerMaxBytes.judged
      if (answer.body.length > most) end(`${name}: more than ${most} bytes came as an answer`)
    })
    stream.on('error', failed)
    stream.on('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR)
        return end(`${name}: it reset the stream (${stream.rstCode})`)
      const status = Number(answer.headers[':status'] ?? 0)
      if (status < 200 || status > 299) return end(`${name} answers ${status}`)
      end(isGrpc ? verdict(name, answer) : (judge?.(answer.body.toString()) ?? null))
    })
    if (isGrpc) stream.end(empty)
  }).catch((error: unknown) => `${name}: ${(error as Error).message}`)
}

function verdict(
  path: string,
  {
    headers,
    trailers,
    body,
  }: { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: Buffer },
): string | null {
  const status = String(trailers['grpc-status'] ?? headers['grpc-status'] ?? 'nothing')
  if (status === unimplemented)
    return `${path} is not implemented there: name a method in ready.path that takes an empty message and answers that it is ready, e.g. /inference.GRPCInferenceService/ServerReady`
  const why = trailers['grpc-message'] ?? headers['grpc-message']
  if (status !== '0')
    return `${path} answers grpc-status ${status}${why === undefined ? '' : ` (${String(why)})`}`
  // Field 1 as a varint, first in its message: `status = SERVING` of grpc.health.v1, `ready = true` of KServe V2.
  return body[5] === 0x08 && body[6] === 1 ? null : `${path} answers that it is not ready`
}

/** In what `askHttp2` says: is it a server of gRPC that speaks, if not as was asked? */
export function isSaidInGrpc(trouble: string): boolean {
  return /grpc-status \d|is not implemented there|answers that it is not ready/.test(trouble)
}

/** The same of HTTP/2: the status that was answered; null: nothing was. */
export function statusSaid(trouble: string): string | null {
  return /^GET \S+ answers (\d{3})$/.exec(trouble)?.[1] ?? null
}
