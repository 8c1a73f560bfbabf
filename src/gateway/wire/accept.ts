/** Accepts requests, today on node:http. */
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkRequest } from './check-request.ts'
import type { Checked } from './check-request.ts'
import { plainExchange } from './plain-exchange.ts'
import { answerAndClose, upgradeExchange } from './upgrade-exchange.ts'
import type { Acceptor, Exchange } from './wire.ts'

export type ListenOn = { fd: number } | { host: string; port: number; reusePort: boolean }

/** From a connection's first byte to the end of a request's head. */
const headMs = 30_000
/** A kept connection without a request; longer than the 60 s after which common load balancers let go. */
const idleMs = 75_000
const headMaxBytes = 64 * 1024
const connectionsMax = 100_000
/** Connections that wait in the kernel while a gateway restarts. */
const backlogMax = 1024

export async function accept(
  on: ListenOn,
  handle: (exchange: Exchange) => void,
): Promise<Acceptor> {
  const state = { stopping: false }
  const server = createServer({
    headersTimeout: headMs,
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    maxHeaderSize: headMaxBytes,
    noDelay: true,
    insecureHTTPParser: false,
    // Clients that would rather speak HTTP/2 (`Upgrade: h2c`) are answered in HTTP/1.1, as RFC 9110 §7.8 allows.
    shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
  })
  server.maxConnections = connectionsMax
  server.on('request', (request, response) => {
    const checked = checkRequest(request)
    const exchange = plainExchange(request, response, { checked, state, expectsContinue: false })
    if (refusedBy(checked, exchange)) return
    handle(exchange)
  })
  server.on('checkContinue', (request, response) => {
    const checked = checkRequest(request)
    const exchange = plainExchange(request, response, { checked, state, expectsContinue: true })
    if (refusedBy(checked, exchange)) return
    handle(exchange)
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const checked = checkRequest(request)
    const exchange = upgradeExchange(request, socket, { checked, head })
    if (refusedBy(checked, exchange)) return
    handle(exchange)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuseBytes(error, socket))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...on, backlog: backlogMax }, resolve)
  })
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    stop: () => {
      state.stopping = true
      server.close()
      server.closeIdleConnections()
    },
  }
}

/** What may mean one thing here and another behind is refused, and the connection ends with it. */
function refusedBy(checked: Checked, exchange: Exchange): boolean {
  if (checked.refusal === null) return false
  const { status, because } = checked.refusal
  exchange.answer(status, ['Content-Type', 'text/plain', 'Connection', 'close'], `${because}\n`)
  return true
}

/** What cannot be read as a request is never forwarded. */
function refuseBytes(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  // A kept connection on which nothing more came: there is nobody to tell.
  if (late && socket instanceof Socket && socket.bytesWritten > 0) return void socket.destroy()
  const status = late ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400
  answerAndClose(socket, { status, headers: [], body: '' })
}
