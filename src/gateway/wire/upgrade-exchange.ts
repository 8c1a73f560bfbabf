/** A request to change protocols: an answer, if there is one, is written by hand, and the connection ends with it. */
import { STATUS_CODES } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Checked } from './check-request.ts'
import { clientSockets } from './tunnel.ts'
import type { Exchange, ExchangeListener, Headers } from './wire.ts'
import { headerOf } from './wire.ts'

export function upgradeExchange(
  request: IncomingMessage,
  socket: Duplex,
  { checked, head }: { checked: Checked; head: Buffer },
): Exchange {
  let listener: ExchangeListener | null = null
  let answered = false
  socket.on('error', () => {})
  socket.on('close', () => {
    if (!answered || !socket.writableFinished) listener?.clientGone()
  })
  const { target, headers } = bodyless(checked)
  const exchange: Exchange = {
    method: request.method!,
    target,
    headers,
    remoteAddress: request.socket.remoteAddress ?? '',
    secure: false,
    upgrade: true,
    hasBody: false,
    hear: (heard) => {
      listener = heard
      socket.on('drain', () => heard.clientDrained())
    },
    readBody: () => listener?.bodyEnd([]),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    respond: (status, reason, given) => {
      answered = status !== 101
      socket.write(headOf(status, reason, answered ? closing(given) : given), 'latin1')
    },
    interim: () => {},
    write: (chunk) => socket.write(chunk),
    end: () => void socket.end(),
    answer: (status, given, body) => {
      answered = true
      answerAndClose(socket, { status, headers: given, body })
    },
    destroy: () => void socket.destroy(),
  }
  clientSockets.set(exchange, { socket, head })
  return exchange
}

/** @param socket ends with this answer */
export function answerAndClose(
  socket: Duplex,
  { status, headers, body }: { status: number; headers: Headers; body: string },
): void {
  const length = ['Content-Length', String(Buffer.byteLength(body))]
  const head = headOf(status, STATUS_CODES[status] ?? '', closing([...headers, ...length]))
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)]))
}

/** Bytes after a request for WebSocket belong to the new protocol: one that announces a body has two meanings. */
function bodyless(checked: Checked): Checked {
  const { headers } = checked
  const length = headerOf(headers, 'content-length')
  if (headerOf(headers, 'transfer-encoding') === null && (length === null || Number(length) === 0))
    return checked
  checked.refusal ??= { status: 400, because: 'a request to change protocols has no body' }
  return checked
}

function closing(headers: Headers): string[] {
  const others = headers.filter((_, at) => headers[at - (at % 2)]!.toLowerCase() !== 'connection')
  return [...others, 'Connection', 'close']
}

function headOf(status: number, reason: string, headers: Headers): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let index = 0; index < headers.length; index += 2)
    text += `${headers[index]}: ${headers[index + 1]}\r\n`
  return `${text}\r\n`
}
