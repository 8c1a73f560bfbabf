/** Frames of HTTP/2 by hand, for what no client library would send. RFC 9113 §4, RFC 7541 §6.2.2. */
import { connect } from 'node:net'

export const types = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
}
export const flags = { ack: 1, endStream: 1, endHeaders: 4 }
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(
  type: number,
  flag: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flag
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A block of literal fields, never indexed, one character a byte. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.of(0x10), text(name), text(value)]),
  )
}

export function settings(pairs: readonly (readonly [id: number, value: number])[] = []): Buffer {
  const payload = Buffer.alloc(6 * pairs.length)
  pairs.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  })
  return frame(types.settings, 0, 0, payload)
}

export type Frame = { type: number; flags: number; stream: number; payload: Buffer }

/** A raw connection that began as HTTP/2 does. */
export async function dialFrames(port: number, first: Buffer = settings()) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const frames: Frame[] = []
  let held = Buffer.alloc(0)
  let closed = false
  let wake = () => {}
  socket.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 9 && held.length >= 9 + held.readUIntBE(0, 3)) {
      const end = 9 + held.readUIntBE(0, 3)
      frames.push({
        type: held[3]!,
        flags: held[4]!,
        stream: held.readUInt32BE(5),
        payload: held.subarray(9, end),
      })
      held = held.subarray(end)
    }
    wake()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    closed = true
    wake()
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(Buffer.concat([preface, first]))
  return {
    socket,
    frames,
    isClosed: () => closed,
    send: (...all: Buffer[]) => socket.write(Buffer.concat(all)),
    /** The first frame that fits; fails when the connection ends before it came. */
    until: async (fits: (frame: Frame) => boolean): Promise<Frame> => {
      for (;;) {
        const found = frames.find(fits)
        if (found !== undefined) return found
        if (closed)
          throw new Error(`closed after frames ${frames.map(({ type }) => type).join(' ')}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    closed: async () => {
      while (!closed) await new Promise<void>((resolve) => (wake = resolve))
    },
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([length(bytes.length), bytes])
}

function length(value: number): Buffer {
  if (value < 127) return Buffer.of(value)
  const rest = [127]
  let left = value - 127
  for (; left >= 128; left >>= 7) rest.push((left & 127) | 128)
  return Buffer.from([...rest, left])
}
