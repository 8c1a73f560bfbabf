/** Sends one test request to a replica: kept connections, a time limit, a bounded answer. */
import { Agent, request } from 'node:http'
import type { RequestShape } from './gate.ts'

export type Answered = { status: number; body: string; ms: number }
export type Asker = { ask(address: string, body: unknown): Promise<Answered>; close(): void }

const answerMaxBytes = 16 * 1024 * 1024

/** @param purpose goes along as `Beryl-Test`, so that billing can leave the request out */
export function askerOf(
  shape: RequestShape,
  purpose: string,
  concurrency: number,
  signal: AbortSignal,
): Asker {
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  return {
    ask: (address, body) => ask(agent, shape, purpose, signal, address, body),
    close: () => agent.destroy(),
  }
}

/** @throws Error that says what went wrong: no connection, no answer in time, cut, too large */
function ask(
  agent: Agent,
  shape: RequestShape,
  purpose: string,
  signal: AbortSignal,
  address: string,
  body: unknown,
): Promise<Answered> {
  const text = body === undefined || shape.method === 'GET' ? '' : JSON.stringify(body)
  const begun = performance.now()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(shape.timeoutS * 1000)])
  return new Promise((resolve, reject) => {
    const wrong = (error: Error) =>
      reject(
        limit.aborted && !signal.aborted
          ? new Error(`no whole answer in ${shape.timeoutS} s`)
          : error,
      )
    const outgoing = request(
      `http://${address}${shape.path}`,
      {
        method: shape.method,
        agent,
        signal: limit,
        headers: {
          ...(text === '' ? {} : { 'content-type': 'application/json' }),
          ...shape.headers,
          'content-length': Buffer.byteLength(text),
          'beryl-test': purpose,
        },
      },
      (incoming) => {
        const chunks: Buffer[] = []
        let size = 0
        incoming.on('data', (chunk: Buffer) => {
          size += chunk.length
          if (size > answerMaxBytes)
            outgoing.destroy(new Error(`the answer is larger than ${answerMaxBytes} bytes`))
          else chunks.push(chunk)
        })
        incoming.on('error', wrong)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            body: Buffer.concat(chunks).toString(),
            ms: performance.now() - begun,
          }),
        )
      },
    )
    outgoing.on('error', wrong)
    outgoing.end(text)
  })
}
