/** A model server of gRPC that costs little: a unary call is answered with one message, `/stream` with `streamed` of them. Prints its port. */
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { framed } from './grpc-frames.ts'

export const streamed = 20
const message = framed('x'.repeat(200))

if (import.meta.main) {
  const server = createServer().listen(0, '127.0.0.1', () =>
    console.log((server.address() as AddressInfo).port),
  )
  server.on('stream', (stream, { ':path': path }) => {
    stream.on('error', () => {})
    stream.resume()
    stream.on('end', () => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc' },
        { waitForTrailers: true },
      )
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
      let left = path === '/stream' ? streamed : 1
      const next = () => {
        left--
        if (left === 0) stream.end(message)
        else stream.write(message, () => setImmediate(next))
      }
      next()
    })
  })
}
