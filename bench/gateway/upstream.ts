/** A model server that costs next to nothing: fixed answers over raw sockets, by path. Prints its port. Arguments: port, and ms that it waits before each answer. */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

const answerOf = (size: number) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Model: bench\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`,
  )
const answers: Record<string, Buffer> = {
  '/small': answerOf(200),
  '/4k': answerOf(4096),
  '/1m': answerOf(1024 * 1024),
  '/upload': answerOf(2),
}
/** A token of a language model. */
const event = `3c\r\ndata: ${'t'.repeat(52)}\n\n\r\n`

const waitMs = Number(process.argv[3] ?? 0)

const server = createServer({ noDelay: true }, serve).listen(
  Number(process.argv[2] ?? 0),
  '127.0.0.1',
  () => console.log((server.address() as AddressInfo).port),
)

function serve(socket: Socket): void {
  let held = ''
  /** Of a body that is still to come. */
  let left = 0
  let answer: Buffer | null = null
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    if (left > 0) {
      left -= chunk.length
      if (left <= 0 && answer !== null) reply(socket, answer)
      return
    }
    held += chunk.toString('latin1')
    for (;;) {
      const head = held.indexOf('\r\n\r\n')
      if (head === -1) return
      const length = Number(/content-length: (\d+)/i.exec(held.slice(0, head))?.[1] ?? 0)
      const path = held
        .slice(held.indexOf(' ') + 1, held.indexOf(' ', held.indexOf(' ') + 1))
        .split('?')[0]!
      if (path === '/stream') {
        stream(socket, held)
        held = ''
        return
      }
      if (path === '/echo') return echo(socket)
      answer = answers[path] ?? answers['/small']!
      const missing = head + 4 + length - held.length
      if (missing > 0) {
        left = missing
        held = ''
        return
      }
      reply(socket, answer)
      held = held.slice(head + 4 + length)
    }
  })
}

function reply(socket: Socket, answer: Buffer): void {
  if (waitMs === 0) socket.write(answer)
  else setTimeout(() => socket.write(answer), waitMs)
}

/** Frames come back as they are: whoever only passes them on does not look into them. */
function echo(socket: Socket): void {
  socket.removeAllListeners('data')
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
  )
  socket.pipe(socket)
}

function stream(socket: Socket, head: string): void {
  const every = Number(/every=(\d+)/.exec(head)?.[1] ?? 20)
  const count = Number(/count=(\d+)/.exec(head)?.[1] ?? 100)
  socket.write(
    'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  let sent = 0
  const timer = setInterval(() => {
    if (++sent <= count) return void socket.write(event)
    stop()
    socket.off('close', stop)
    socket.write('0\r\n\r\n')
  }, every)
  const stop = () => clearInterval(timer)
  socket.on('close', stop)
}
