/** Accepts requests, today on node:http. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Acceptor, BodySink, Exchange, Headers } from './wire.ts'
import { clientSockets } from './tunnel.ts'

export type ListenOn = { fd: number } | { host: string; port: number; reusePort: boolean }

const headMs = 30_000
const idleMs = 75_000
const headMaxBytes = 64 * 1024
const connectionsMax = 100_000

export async function accept(
  on: ListenOn,
  handle: (exchange: Exchange) => void,
): Promise<Acceptor> {
  let stopping = false
  const server = createServer({
    headersTimeout: headMs,
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    maxHeaderSize: headMaxBytes,
    noDelay: true,
    insecureHTTPParser: false,
  })
  server.maxConnections = connectionsMax
  server.on('request', (request, response) => handle(exchangeOf(request, response, () => stopping)))
  server.on('checkContinue', (request, response) => {
    const exchange = exchangeOf(request, response, () => stopping)
    handle({
      ...exchange,
      readBody: (sink) => {
        response.writeContinue()
        exchange.readBody(sink)
      },
    })
  })
  server.on('upgrade', (request, socket, head) => handle(upgradeOf(request, socket, head)))
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(error, socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(on, resolve)
  })
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    stop: () => {
      stopping = true
      server.close()
      server.closeIdleConnections()
    },
  }
}

function exchangeOf(
  request: IncomingMessage,
  response: ServerResponse,
  stopping: () => boolean,
): Exchange {
  // The answer carries the server's own Date.
  response.sendDate = false
  const length = request.headers['content-length']
  return {
    method: request.method!,
    target: request.url!,
    headers: request.rawHeaders,
    remoteAddress: request.socket.remoteAddress ?? '',
    secure: false,
    upgrade: false,
    hasBody:
      request.headers['transfer-encoding'] !== undefined ||
      (length !== undefined && length !== '0'),
    readBody: (sink) => readBody(request, sink),
    pause: () => void request.pause(),
    resume: () => void request.resume(),
    respond: (status, reason, headers) => {
      response.writeHead(
        status,
        reason,
        stopping() ? [...headers, 'Connection', 'close'] : [...headers],
      )
      response.flushHeaders()
    },
    interim: (status, headers) => {
      if (status === 103) response.writeEarlyHints(hints(headers))
    },
    write: (chunk) => response.write(chunk),
    end: (trailers) => {
      if (trailers.length > 0) response.addTrailers(pairs(trailers))
      response.end()
    },
    answer: (status, headers, body) => {
      response.sendDate = true
      response.writeHead(status, [
        ...headers,
        'Content-Length',
        String(Buffer.byteLength(body)),
        ...(stopping() ? ['Connection', 'close'] : []),
      ])
      response.end(body)
    },
    destroy: () => void request.socket.destroy(),
    onDrain: (act) => void response.on('drain', act),
    onGone: (act) => {
      response.on('close', () => {
        if (!response.writableFinished) act()
      })
    },
  }
}

function readBody(request: IncomingMessage, sink: BodySink): void {
  request.on('data', (chunk: Buffer) => sink.data(chunk))
  request.on('end', () => sink.end(request.rawTrailers))
}

/** A request to change protocols: an answer, if there is one, is written by hand, and the connection ends with it. */
function upgradeOf(request: IncomingMessage, socket: Duplex, head: Buffer): Exchange {
  let gone: (() => void) | null = null
  let answered = false
  socket.on('error', () => gone?.())
  socket.on('close', () => gone?.())
  const exchange: Exchange = {
    method: request.method!,
    target: request.url!,
    headers: request.rawHeaders,
    remoteAddress: request.socket.remoteAddress ?? '',
    secure: false,
    upgrade: true,
    hasBody: false,
    readBody: (sink) => sink.end([]),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    respond: (status, reason, headers) => {
      answered = status !== 101
      socket.write(
        headOf(
          status,
          reason,
          status === 101
            ? headers
            : [...headers.filter((_, at) => !isConnection(headers, at)), 'Connection', 'close'],
        ),
        'latin1',
      )
    },
    interim: () => {},
    write: (chunk) => socket.write(chunk),
    end: () => void socket.end(),
    answer: (status, headers, body) => {
      answered = true
      socket.end(
        headOf(status, '', [
          ...headers,
          'Content-Length',
          String(Buffer.byteLength(body)),
          'Connection',
          'close',
        ]) + body,
      )
    },
    destroy: () => void socket.destroy(),
    onDrain: (act) => void socket.on('drain', act),
    onGone: (act) => {
      gone = () => {
        gone = null
        if (!answered || !socket.writableFinished) act()
      }
    },
  }
  clientSockets.set(exchange, { socket, head })
  return exchange
}

/** Names and values stand at even and odd places. */
function isConnection(headers: Headers, at: number): boolean {
  return headers[at - (at % 2)]!.toLowerCase() === 'connection'
}

function headOf(status: number, reason: string, headers: Headers): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let index = 0; index < headers.length; index += 2)
    text += `${headers[index]}: ${headers[index + 1]}\r\n`
  return `${text}\r\n`
}

/** What cannot be read as a request is refused and never forwarded. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request'
  if (
    socket instanceof Socket &&
    socket.bytesWritten > 0 &&
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  )
    return void socket.destroy()
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function pairs(headers: Headers): [string, string][] {
  return Array.from({ length: headers.length / 2 }, (_, index) => [
    headers[2 * index]!,
    headers[2 * index + 1]!,
  ])
}

function hints(headers: Headers): Record<string, string | string[]> & { link: string | string[] } {
  const all = pairs(headers)
  const link = all.filter(([name]) => name.toLowerCase() === 'link').map(([, value]) => value)
  return { link }
}
