/** Does a model server answer? One request, one connection, one time limit. */
import { askHttp2 } from '../probe/ask-http2.ts'
import { requestTo } from '../probe/request-to.ts'
import { peerTrouble } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'

export type Probe = {
  host: string
  port: number
  path: string
  speaks?: 'http2' | 'grpc' | undefined
  tls?: Peer | undefined
  timeoutMs: number
  /** Gives up at once. */
  signal: AbortSignal
  /** Reads the body of a 2xx answer: null where it is right, else what is wrong with it. Not with gRPC, which has no GET. */
  judge?: (body: string) => string | null
}

const bodyMaxBytes = 1024 * 1024

/** @returns null when it answered 2xx (and rightly, where that is judged), or in gRPC that it is ready, else why not */
export function probe({ speaks, ...asked }: Probe): Promise<string | null> {
  return speaks === undefined ? probeHttp1(asked) : askHttp2({ ...asked, speaks })
}

function probeHttp1({
  host,
  port,
  path,
  tls,
  timeoutMs,
  signal,
  judge,
}: Omit<Probe, 'speaks'>): Promise<string | null> {
  return new Promise((resolve) => {
    const request = requestTo(
      {
        host,
        port,
        path,
        tls,
        headers: { connection: 'close', 'user-agent': 'beryl-probe' },
        signal,
      },
      (response) => {
        response.on('error', () => {})
        const status = response.statusCode ?? 0
        const isGood = status >= 200 && status < 300
        if (!isGood || judge === undefined) {
          response.resume()
          return resolve(isGood ? null : `GET ${path} answers ${status}`)
        }
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (text: string) => {
          body += text
          if (body.length > bodyMaxBytes)
            request.destroy(new Error(`the answer is larger than ${bodyMaxBytes} bytes`))
        })
        response.on('end', () => resolve(judge(body)))
      },
    )
    // A socket's own limit is on silence; a server that drips bytes would hold it for ever.
    const limit = setTimeout(
      () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    )
    request.on('error', (error) => resolve(`GET ${path}: ${peerTrouble(error)}`))
    request.end()
    request.on('close', () => {
      clearTimeout(limit)
      resolve(`GET ${path}: the connection was closed without an answer`)
    })
  })
}
