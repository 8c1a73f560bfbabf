/** The listener of the API: plain, or with TLS from files that are looked at for changes; slow and endless requests are cut. */
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { endOf, readPair } from '../tls/pair.ts'
import type { PairFiles } from '../tls/pair.ts'
import { watchPair } from '../tls/watch-pair.ts'
import type { ApiEnv } from './authenticate.ts'

/** All of the head, all of the request; ms. More sockets than any number of dashboards and scripts needs. */
const usual = { headMs: 10_000, requestMs: 60_000, idleMs: 5000, socketsMax: 1000, lookMs: 1000 }

export type Listening = { url: string; close(): void }

export type ListenOptions = {
  host: string
  port: number
  /** Null: plain http. */
  tls: PairFiles | null
  /** What is said of certificates. */
  said: { info(text: string): void; error(text: string): void }
  limits?: Partial<typeof usual>
}

/** @throws PairError, and what the system says of the address */
export async function listenApi(
  app: Hono<ApiEnv>,
  { host, port, tls, said, limits = {} }: ListenOptions,
): Promise<Listening> {
  const { headMs, requestMs, idleMs, socketsMax, lookMs } = { ...usual, ...limits }
  const pair = tls === null ? null : readPair(tls)
  const options = {
    headersTimeout: headMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.min(1000, headMs / 2),
  }
  const listener = getRequestListener(app.fetch)
  const answer: Parameters<typeof createServer>[1] = (request, response) =>
    void listener(request, response)
  const server =
    pair === null
      ? createServer(options, answer)
      : createTlsServer({ ...options, ...pair, minVersion: 'TLSv1.2' }, answer)
  server.maxConnections = socketsMax
  const watching =
    tls === null || pair === null
      ? null
      : watchPair(
          tls,
          pair,
          {
            changed: (next) => {
              ;(server as Server).setSecureContext({ ...next, minVersion: 'TLSv1.2' })
              said.info(`the API shows a new certificate, good until ${until(endOf(next))}`)
            },
            refused: (why) =>
              said.error(`the new certificate of the API is of no use, the old one stays: ${why}`),
          },
          lookMs,
        )
  if (pair !== null && endOf(pair) < Date.now())
    said.error(`the certificate of the API ended on ${until(endOf(pair))}: clients refuse it`)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve())
  })
  const { port: bound } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return {
    url: `${pair === null ? 'http' : 'https'}://${name}:${bound}`,
    close: () => {
      watching?.close()
      server.close()
      server.closeIdleConnections()
    },
  }
}

function until(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
