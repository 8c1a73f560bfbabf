/** One GET to a server that nothing is known of: one connection, one time limit, a small piece of its answer. */
import type { IncomingHttpHeaders } from 'node:http'
import { requestTo } from '../../probe/request-to.ts'
import { peerTrouble } from '../../tls/peer.ts'
import type { Peer } from '../../tls/peer.ts'

export type Address = {
  host: string
  port: number
  /** How it proves who it is; absent: nothing is encrypted. */
  tls?: Peer
}
export type Said = { status: number; headers: IncomingHttpHeaders; body: string }

/** What says that a server is ready, or which models it serves, is far smaller. */
const bodyMaxBytes = 256 * 1024

/** @param trouble told why nobody answered @returns null when nobody answers in HTTP/1.1 within the time */
export function ask(
  { host, port, tls }: Address,
  path: string,
  timeoutMs: number,
  trouble: (why: string) => void = () => {},
): Promise<Said | null> {
  return new Promise((resolve) => {
    const request = requestTo(
      {
        host,
        port,
        path,
        tls,
        headers: { connection: 'close', 'user-agent': 'beryl-init' },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        const { statusCode: status = 0, headers } = response
        let body = ''
        const end = () => {
          resolve({ status, headers, body })
          request.destroy()
        }
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          body += text
          if (body.length > bodyMaxBytes) end()
        })
        response.on('error', () => resolve(null))
        response.on('end', end)
      },
    )
    request.on('error', (error) => {
      trouble(peerTrouble(error))
      resolve(null)
    })
    request.end()
  })
}

/** @returns undefined where it is no JSON */
export function jsonOf({ body }: Said): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
