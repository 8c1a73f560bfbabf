/**
 * Calls of gRPC over a few connections of HTTP/2, bounded in count and time; prints one JSON line. What is asked stands on its input, as JSON:
 * `{ port, path, connections, count, messages }`: so many calls at once; each must end with `grpc-status: 0` after so many messages.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import { framed } from './grpc-frames.ts'

type Asked = { port: number; path: string; connections: number; count: number; messages: number }

const { port, path, connections, count, messages } = JSON.parse(readFileSync(0, 'utf8')) as Asked
const limitMs = 60_000
const sessionsMax = 4
const asked = framed('a'.repeat(300))
let begun = 0
let done = 0
const start = performance.now()
setTimeout(() => finish('time is over'), limitMs)

const sessions = Array.from({ length: sessionsMax }, () => connect(`http://127.0.0.1:${port}`))
for (const session of sessions) session.on('error', (error: Error) => finish(error.message))
for (let index = 0; index < connections; index++) ask(sessions[index % sessionsMax]!)

function ask(session: ClientHttp2Session): void {
  if (begun === count) return
  begun++
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let bytes = 0
  let status: unknown
  stream.on('trailers', (trailers) => (status = trailers['grpc-status']))
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length))
  stream.on('error', (error: Error) => finish(error.message))
  stream.on('close', () => {
    const expected = messages * framed('x'.repeat(200)).length
    if (status !== '0' || bytes !== expected)
      return finish(
        `a call ended with status ${String(status)} after ${bytes} bytes of ${expected}`,
      )
    if (++done === count) finish(null)
    else ask(session)
  })
  stream.end(asked)
}

function finish(why: string | null): void {
  const errors = why === null ? 0 : 1
  console.log(JSON.stringify({ done, errors, why, ms: performance.now() - start }))
  process.exit(0)
}
