/** Talks to model servers, today on node:http with a pool of kept connections per worker. */
import { Agent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { tunnelTo } from './tunnel.ts'
import type { Call, CallEvents, Upstream } from './wire.ts'

const connectMs = 2000
/** Shorter than what common model servers keep: an idle connection is closed by us, not under a request. */
const idleMs = 4000
const idlePerReplicaMax = 256

export function openUpstream(): Upstream {
  const agent = new Agent({
    keepAlive: true,
    keepAliveMsecs: 1000,
    maxFreeSockets: idlePerReplicaMax,
    scheduling: 'lifo',
  })
  agent.on('free', (socket: Socket) => {
    socket.setTimeout(idleMs)
  })
  return {
    call: ({ host, port }, { method, target, headers, hasBody, upgrade }, events) => {
      const outgoing = httpRequest({
        host,
        port,
        method,
        path: target,
        headers: [...headers],
        agent: upgrade ? false : agent,
        setHost: false,
      })
      return callOf(outgoing, hasBody, events)
    },
    close: () => agent.destroy(),
  }
}

function callOf(outgoing: ClientRequest, hasBody: boolean, events: CallEvents): Call {
  let incoming: IncomingMessage | null = null
  let connected = false
  let over = false
  const fail = (error: Error) => {
    if (over) return
    over = true
    events.failed(connected ? 'cut' : 'connect', error)
  }
  outgoing.setNoDelay(true)
  outgoing.on('socket', (socket) => {
    socket.setTimeout(0)
    const begin = () => {
      clearTimeout(limit)
      connected = true
      events.connected()
      // Without a body the head goes at once; with one it goes with the first bytes.
      if (hasBody) outgoing.flushHeaders()
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
  outgoing.on('information', ({ statusCode, rawHeaders }) => events.interim(statusCode, rawHeaders))
  outgoing.on('upgrade', (response, socket, head) => {
    over = true
    events.switched(response.rawHeaders, tunnelTo(socket, head))
  })
  outgoing.on('response', (response) => {
    incoming = response
    events.head(response.statusCode!, response.statusMessage ?? '', response.rawHeaders)
    response.on('data', (chunk: Buffer) => events.data(chunk))
    response.on('error', fail)
    response.on('close', () => {
      if (!response.complete) fail(new Error('the connection ended before the answer did'))
    })
    response.on('end', () => {
      if (over || !response.complete) return
      over = true
      events.end(response.rawTrailers)
    })
  })
  return {
    write: (chunk) => outgoing.write(chunk),
    end: (trailers) => {
      if (trailers.length > 0)
        outgoing.addTrailers(
          trailers.reduce<[string, string][]>(
            (all, name, at) => (at % 2 === 0 ? [...all, [name, trailers[at + 1]!]] : all),
            [],
          ),
        )
      outgoing.end()
    },
    pause: () => void incoming?.pause(),
    resume: () => void incoming?.resume(),
    destroy: () => {
      over = true
      outgoing.destroy()
    },
    onDrain: (act) => void outgoing.on('drain', act),
  }
}
