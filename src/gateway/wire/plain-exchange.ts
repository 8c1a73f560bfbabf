/** A request that stays HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Checked } from './check-request.ts'
import type { Exchange, Headers } from './wire.ts'
import { headerOf, pairsOf } from './wire.ts'

export function plainExchange(
  request: IncomingMessage,
  response: ServerResponse,
  {
    checked: { target, headers },
    state,
    expectsContinue,
  }: { checked: Checked; state: { stopping: boolean }; expectsContinue: boolean },
): Exchange {
  // The answer carries the server's own Date.
  response.sendDate = false
  const length = headerOf(headers, 'content-length')
  const { socket } = request
  return {
    method: request.method!,
    target,
    headers,
    remoteAddress: socket.remoteAddress ?? '',
    secure: false,
    upgrade: false,
    hasBody:
      headerOf(headers, 'transfer-encoding') !== null || (length !== null && Number(length) !== 0),
    hear: (listener) => {
      request.on('data', (chunk: Buffer) => listener.body(chunk))
      // A `data` listener sets the body flowing; it waits for `readBody`.
      request.pause()
      request.on('end', () => listener.bodyEnd(request.rawTrailers))
      request.on('error', () => {})
      response.on('drain', () => listener.clientDrained())
      response.on('error', () => {})
      response.on('close', () => {
        if (!response.writableFinished) listener.clientGone()
      })
    },
    readBody: () => {
      if (expectsContinue) response.writeContinue()
      request.resume()
    },
    pause: () => void request.pause(),
    resume: () => void request.resume(),
    respond: (status, reason, given) => {
      response.writeHead(status, reason, withClose(given, state.stopping))
      response.flushHeaders()
    },
    interim: (status, given) => {
      const link = linksOf(given)
      if (status === 103 && link.length > 0) response.writeEarlyHints({ link })
    },
    write: (chunk) => response.write(chunk),
    end: (trailers) => {
      if (trailers.length > 0) response.addTrailers(pairsOf(trailers))
      // An answer that began before the stop promised to keep the connection.
      if (state.stopping) response.once('finish', () => socket.end())
      response.end()
      // What is left of a body that nobody waits for is read and thrown away, so that the answer arrives.
      request.resume()
    },
    answer: (status, given, body) => {
      response.sendDate = true
      const all = [...given, 'Content-Length', String(Buffer.byteLength(body))]
      response.writeHead(status, withClose(all, state.stopping))
      response.end(body)
      request.resume()
    },
    destroy: () => void socket.destroy(),
  }
}

function withClose(headers: Headers, stopping: boolean): string[] {
  return stopping ? [...headers, 'Connection', 'close'] : [...headers]
}

function linksOf(headers: Headers): string[] {
  return pairsOf(headers)
    .filter(([name]) => name.toLowerCase() === 'link')
    .map(([, value]) => value)
}
