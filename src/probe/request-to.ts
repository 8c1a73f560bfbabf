/** One request of HTTP/1.1 over a connection of its own, with TLS where the server speaks it. */
import { request } from 'node:http'
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { dialPeer } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'

export function requestTo(
  { tls, ...options }: RequestOptions & { host: string; port: number; tls?: Peer | undefined },
  answered: (answer: IncomingMessage) => void,
): ClientRequest {
  // Closed afterwards: nothing is kept open to a server that may be stopped next.
  if (tls === undefined) return request({ ...options, agent: false }, answered)
  const { host, port } = options
  const createConnection = () => dialPeer(tls, { host, port, ALPNProtocols: ['http/1.1'] })
  return requestSecurely({ ...options, createConnection }, answered)
}
