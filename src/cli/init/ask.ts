/** One GET to a server that nothing is known of: one connection, one time limit, a small piece of its answer. */
import { get } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'

export type Address = { host: string; port: number }
export type Said = { status: number; headers: IncomingHttpHeaders; body: string }

/** What says that a server is ready, or which models it serves, is far smaller. */
const bodyMaxBytes = 256 * 1024

/** @returns null when nobody answers in HTTP/1.1 within the time */
export function ask(
  { host, port }: Address,
  path: string,
  timeoutMs: number,
): Promise<Said | null> {
  return new Promise((resolve) => {
    const request = get(
      {
        host,
        port,
        path,
        agent: false,
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
    request.on('error', () => resolve(null))
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
