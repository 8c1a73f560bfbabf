/** For tests only: a model server of KServe V2 over gRPC, on node:http2. */
import { createServer } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Session } from 'node:http2'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { encode } from '../../protocols/grpc/encode.ts'
import { framed, messagesIn } from '../../protocols/grpc/framing.ts'
import { inferPath, inferResponse } from '../../protocols/grpc/kserve-messages.ts'
import { messageFromJson, messageInJson } from '../../protocols/grpc/messages.ts'
import type { Target } from '../gate.ts'

export type Asked = {
  path: string
  headers: IncomingHttpHeaders
  text: string | null
  bytes: Buffer
}

/** `label`: of a ModelInfer. `message`: of any other call. `code` other than 0: nothing is answered but that. */
export type Call =
  | { label: string }
  | { message: Uint8Array }
  | { code: number; words?: string }
  | { html: string }
  | 'without status'
  | 'hang'

export type GrpcModel = { address: string; asked: Asked[] }

/** A request for the label of a text. */
export function question(text: string): object {
  return {
    model_name: 'm',
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }],
  }
}

export function questionBytes(text: string): Buffer {
  return framed(messageFromJson(inferPath, question(text)))
}

export function labelBytes(label: string): Uint8Array {
  return encode(inferResponse, {
    model_name: 'm',
    outputs: [
      {
        name: 'label',
        datatype: 'BYTES',
        shape: [1],
        contents: { bytes_contents: [Buffer.from(label)] },
      },
    ],
  })
}

export async function grpcModel(
  context: TestContext,
  behave: (asked: Asked, count: number) => Call,
): Promise<GrpcModel> {
  const asked: Asked[] = []
  const sessions = new Set<ServerHttp2Session>()
  const server = createServer()
  server.on('session', (session) => sessions.add(session.on('error', () => {})))
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      const one = readAsked(headers, Buffer.concat(chunks))
      asked.push(one)
      const call = behave(one, asked.length)
      if (call === 'hang') return
      if (typeof call === 'object' && 'html' in call) {
        stream.respond({ ':status': 200, 'content-type': 'text/html' })
        return void stream.end(call.html)
      }
      const head = { ':status': 200, 'content-type': 'application/grpc' }
      if (typeof call === 'object' && 'code' in call) {
        const words =
          call.words === undefined ? {} : { 'grpc-message': encodeURIComponent(call.words) }
        return stream.respond(
          { ...head, 'grpc-status': String(call.code), ...words },
          { endStream: true },
        )
      }
      stream.respond(head, { waitForTrailers: true })
      stream.once('wantTrailers', () =>
        stream.sendTrailers(call === 'without status' ? {} : { 'grpc-status': '0' }),
      )
      const message =
        call === 'without status'
          ? labelBytes('a')
          : 'label' in call
            ? labelBytes(call.label)
            : call.message
      stream.end(framed(message))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => {
    server.close()
    for (const session of sessions) session.destroy()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

function readAsked(headers: IncomingHttpHeaders, bytes: Buffer): Asked {
  const path = String(headers[':path'])
  const [message] = messagesIn(bytes) ?? []
  if (path !== inferPath || message === undefined) return { path, headers, text: null, bytes }
  const { inputs } = messageInJson(path, 'request', message.bytes) as {
    inputs: { data: string[] }[]
  }
  return { path, headers, text: inputs[0]!.data[0]!, bytes }
}

export function grpcTarget(version: string, ...models: readonly GrpcModel[]): Target {
  return {
    version,
    environment: 'green',
    addresses: models.map(({ address }) => address),
    reach: { speaks: 'grpc' },
  }
}
