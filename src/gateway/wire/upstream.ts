/** Talks to model servers, today on node:http with a pool of kept connections per worker. */
import { Agent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { tunnelTo } from './tunnel.ts'
import type { Call, CallListener, CallRequest, Upstream } from './wire.ts'
import { headerOf, pairsOf } from './wire.ts'

/** A model server on a machine that answers at all accepts far sooner. */
const connectMs = 2000
/** Shorter than what common model servers keep: an idle connection is closed by us, not under a request. */
const idleMs = 4000
const idlePerReplicaMax = 256
/** Methods that a request without a body may be repeated with. RFC 9110 §9.2.2. */
const repeatable = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
/** Methods whose lack of a body goes without saying. RFC 9110 §8.6. */
const bodyless = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE', 'CONNECT'])

export function openUpstream(): Upstream {
  const agent = new Agent({
    keepAlive: true,
    keepAliveMsecs: 1000,
    maxFreeSockets: idlePerReplicaMax,
    scheduling: 'lifo',
  })
  agent.on('free', (socket: Socket) => void socket.setTimeout(idleMs))
  return {
    call: ({ host, port }, asked, listener) => {
      const { method, target, headers, hasBody, upgrade, fresh } = asked
      const silent = hasBody || bodyless.has(method) || headerOf(headers, 'content-length') !== null
      const outgoing = httpRequest({
        host,
        port,
        method,
        path: target,
        headers: silent ? [...headers] : [...headers, 'Content-Length', '0'],
        agent: upgrade || fresh ? false : agent,
        setHost: false,
      })
      return callOf(outgoing, asked, listener)
    },
    close: () => agent.destroy(),
  }
}

function callOf(outgoing: ClientRequest, asked: CallRequest, listener: CallListener): Call {
  let incoming: IncomingMessage | null = null
  let connected = false
  let over = false
  const fail = (error: Error) => {
    if (over) return
    over = true
    if (!connected) return listener.failed('refused', error)
    const stale =
      outgoing.reusedSocket && incoming === null && !asked.hasBody && repeatable.has(asked.method)
    listener.failed(stale ? 'stale' : 'cut', error)
  }
  outgoing.setNoDelay(true)
  outgoing.on('socket', (socket) => {
    socket.setTimeout(0)
    const begin = () => {
      clearTimeout(limit)
      if (over) return
      connected = true
      listener.connected()
      // Without a body the head goes at once; with one it goes with the first bytes.
      if (asked.hasBody) outgoing.flushHeaders()
      else outgoing.end()
    }
    const limit = setTimeout(
      () => outgoing.destroy(new Error(`no connection in ${connectMs} ms`)),
      connectMs,
    )
    outgoing.on('close', () => clearTimeout(limit))
    if (socket.connecting) socket.once('connect', begin)
    else begin()
  })
  outgoing.on('error', fail)
  outgoing.on('drain', () => {
    if (!over) listener.serverDrained()
  })
  outgoing.on('information', ({ statusCode, rawHeaders }) => {
    if (!over) listener.interim(statusCode, rawHeaders)
  })
  outgoing.on('upgrade', (response, socket, head) => {
    if (over || !asked.upgrade) {
      socket.destroy()
      return fail(new Error('it changed protocols and was not asked to'))
    }
    over = true
    listener.switched(response.rawHeaders, tunnelTo(socket, head))
  })
  outgoing.on('response', (response) => {
    if (over) return
    incoming = response
    response.on('data', (chunk: Buffer) => {
      if (!over) listener.data(chunk)
    })
    response.on('error', fail)
    response.on('close', () => {
      if (!response.complete) fail(new Error('the connection ended before the answer did'))
    })
    response.on('end', () => {
      if (over || !response.complete) return
      over = true
      // Answered before it had the whole request: that connection is of no further use (RFC 9112 §9.3).
      if (asked.hasBody && !outgoing.writableEnded) outgoing.destroy()
      listener.end(response.rawTrailers)
    })
    listener.head(response.statusCode!, response.statusMessage ?? '', response.rawHeaders)
  })
  return {
    write: (chunk) => outgoing.write(chunk),
    end: (trailers) => {
      if (trailers.length > 0) outgoing.addTrailers(pairsOf(trailers))
      outgoing.end()
    },
    pause: () => void incoming?.pause(),
    resume: () => void incoming?.resume(),
    destroy: () => {
      over = true
      outgoing.destroy()
    },
  }
}
