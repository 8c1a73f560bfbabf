/** gRPC by hand over node:http2: messages, the few kinds of protobuf fields that are needed, and a client of KServe V2. */
import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import type { Duplex } from 'node:stream'

export function message(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** Calls `each` with every whole message that comes. */
export function messagesIn(stream: Duplex, each: (bytes: Buffer) => void): void {
  let held = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const end = 5 + held.readUInt32BE(1)
      each(held.subarray(5, end))
      held = held.subarray(end)
    }
  })
}

/** Length-delimited, shorter than 128 bytes. */
export function field(number: number, value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as Uint8Array)
  return Buffer.concat([Buffer.of((number << 3) | 2, bytes.length), bytes])
}

/** Such fields by their number. */
export function fieldsOf(bytes: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; at += 2 + bytes[at + 1]!)
    fields.set(bytes[at]! >> 3, bytes.subarray(at + 2, at + 2 + bytes[at + 1]!))
  return fields
}

const service = '/inference.GRPCInferenceService'

export type Inferred = { version: string; id: string; sentAt: number; answeredAt: number }

/** @param options for TLS */
export function kserveClient(address: string, options: { ca?: string } = {}) {
  const session: ClientHttp2Session = connect(address, options)
  session.on('error', () => {})
  return {
    session,
    /** @throws with grpc-status and -message, or that the stream broke */
    infer: async (id: string): Promise<Inferred> => {
      const sentAt = performance.now()
      const { stream, ended } = begin(session, 'ModelInfer')
      let answer: Buffer | null = null
      messagesIn(stream, (bytes) => (answer = Buffer.from(bytes)))
      stream.end(message(request(id)))
      await ended
      return { ...inferred(answer!), sentAt, answeredAt: performance.now() }
    },
    /** A conversation: one answer for each question, as long as it is open. */
    converse: () => {
      const { stream, ended } = begin(session, 'ModelStreamInfer')
      const waiting: ((bytes: Buffer) => void)[] = []
      messagesIn(stream, (bytes) => waiting.shift()?.(fieldsOf(bytes).get(2)!))
      return {
        ask: async (id: string) => {
          const answer = new Promise<Buffer>((resolve) => waiting.push(resolve))
          stream.write(message(request(id)))
          const bytes = await Promise.race([answer, ended.then(() => null)])
          if (bytes === null) throw new Error('the conversation ended before its answer')
          return inferred(bytes)
        },
        end: async () => {
          stream.end()
          await ended
        },
      }
    },
    close: () => session.destroy(),
  }
}

function begin(
  session: ClientHttp2Session,
  method: string,
): { stream: ClientHttp2Stream; ended: Promise<void> } {
  const stream = session.request({
    ':method': 'POST',
    ':path': `${service}/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let said: IncomingHttpHeaders = {}
  stream.on('response', (headers) => (said = { ...said, ...headers }))
  stream.on('trailers', (trailers: IncomingHttpHeaders) => (said = { ...said, ...trailers }))
  stream.on('error', () => {})
  const ended = new Promise<void>((resolve, reject) =>
    stream.on('close', () => {
      if (said['grpc-status'] === '0') return resolve()
      const status = String(said['grpc-status'] ?? 'none')
      reject(
        new Error(`grpc-status ${status} ${String(said['grpc-message'])}, code ${stream.rstCode}`),
      )
    }),
  )
  ended.catch(() => {})
  return { stream, ended }
}

/** ModelInferRequest: model_name = 1, id = 3. */
function request(id: string): Buffer {
  return Buffer.concat([field(1, 'tiny'), field(3, id)])
}

/** ModelInferResponse: model_version = 2, id = 3. */
function inferred(bytes: Buffer): { version: string; id: string } {
  const fields = fieldsOf(bytes)
  return { version: fields.get(2)!.toString(), id: fields.get(3)!.toString() }
}
