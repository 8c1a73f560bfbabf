/**
 * Load over raw sockets, bounded in count and time; prints one JSON line. What is asked stands on its input, as JSON:
 * `{ port, request, connections, count, perSecond?, secure?, upgrade? }`: `secure` goes over TLS; with `upgrade` that is asked first, and
 * what is sent then must come back as it is; with `perSecond` requests begin on schedule, whatever the answers do, and
 * latency counts from when they should have begun.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

type Asked = {
  port: number
  request: string
  connections: number
  count: number
  perSecond?: number
  secure?: boolean
  upgrade?: string
}

const {
  port,
  request,
  connections,
  count,
  perSecond,
  secure = false,
  upgrade,
} = JSON.parse(readFileSync(0, 'utf8')) as Asked
const limitMs = 60_000
const good = Buffer.from('HTTP/1.1 200')
const latencies = new Float64Array(count)
let begun = 0
let done = 0
let errors = 0
const start = performance.now()
const sockets: Socket[] = []
const free: ((at: number) => void)[] = []
const late = setTimeout(() => finish('time is over'), limitMs)

for (let index = 0; index < connections; index++) open()
if (perSecond !== undefined) schedule(perSecond)

function open(): void {
  const socket: Socket = secure
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1', noDelay: true })
  let sentAt = 0
  let expected = -1
  let received = 0
  const send = (at: number) => {
    sentAt = at
    expected = -1
    received = 0
    socket.write(request, 'latin1')
  }
  const next = () => {
    if (perSecond !== undefined) return void free.push(send)
    if (begun < count) {
      begun++
      send(performance.now())
    }
  }
  socket.once(secure ? 'secureConnect' : 'connect', () => {
    if (upgrade === undefined) next()
    else socket.write(upgrade)
  })
  let joined = upgrade === undefined
  socket.on('error', () => errors++)
  socket.on('close', () => {
    if (done < count) errors++
  })
  socket.on('data', (chunk) => {
    if (!joined) {
      if (!chunk.toString('latin1').startsWith('HTTP/1.1 101'))
        return finish(`it answered: ${chunk.subarray(0, 60).toString()}`)
      joined = true
      return next()
    }
    received += chunk.length
    if (upgrade !== undefined) expected = request.length
    if (expected === -1) {
      if (!chunk.subarray(0, 12).equals(good))
        return finish(`it answered: ${chunk.subarray(0, 60).toString()}`)
      expected = lengthOf(chunk)
    }
    if (received < expected) return
    latencies[done] = performance.now() - sentAt
    if (++done === count) finish(null)
    else next()
  })
  sockets.push(socket)
}

function schedule(rate: number): void {
  const timer = setInterval(() => {
    const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * rate))
    while (begun < due && free.length > 0) {
      const send = free.pop()!
      send(start + (begun / rate) * 1000)
      begun++
    }
    if (begun === count) clearInterval(timer)
  }, 1)
}

function lengthOf(chunk: Buffer): number {
  const text = chunk.toString('latin1')
  const head = text.indexOf('\r\n\r\n')
  if (head === -1) throw new Error('a head in two reads')
  // A proxy that answers by itself is quick, and has done nothing: only the model server's own answers count.
  if (!/^HTTP\/1\.1 200 [^]*\r\nx-model: bench\r\n/i.test(text.slice(0, head + 2)))
    throw new Error(`no answer of the model server: ${text.slice(0, head)}`)
  return head + 4 + Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
}

function finish(why: string | null): void {
  clearTimeout(late)
  const sorted = latencies.subarray(0, done).toSorted()
  const at = (share: number) => sorted[Math.min(done - 1, Math.floor(share * done))]
  console.log(
    JSON.stringify({
      done,
      errors,
      why,
      ms: performance.now() - start,
      p50: at(0.5),
      p99: at(0.99),
    }),
  )
  process.exit(0)
}
