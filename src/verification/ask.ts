/** Asks a replica, and reads its answer as text with the times of its pieces. */
import { StringDecoder } from 'node:string_decoder'
import { lineOf } from './send.ts'
import { isGrpc } from '../protocols/grpc/framing.ts'
import { bytesInJson } from './grpc/sending.ts'
import type { LineOptions } from './send.ts'
import type { TokenCounter } from './token-count.ts'
import type { Received, Sent } from './wire/exchange.ts'

/** `ms` is from the first byte sent to the last byte received, or to the last one of a piece of the body. */
export type Answered = {
  status: number
  /** Where a protocol has words of its own for how it ended. */
  says?: string
  body: string
  pieces: readonly { text: string; ms: number }[]
  ms: number
}

export type Asker = {
  /** @throws NoAnswer: no connection, no whole answer in time, cut, too large. The reason of `signal` once that is aborted. */
  ask(address: string, sent: Sent, timeoutS?: number): Promise<Answered>
  /** Cuts what is under way. */
  close(): void
}

/** @param timeoutS for one answer, where nothing else is said @param tokens are counted there */
export function askerOf({
  timeoutS: usual,
  tokens = null,
  ...options
}: LineOptions & { timeoutS: number; tokens?: TokenCounter | null }): Asker {
  const line = lineOf(options)
  return {
    async ask(address, sent, timeoutS = usual) {
      tokens?.sent()
      const answered = inText(await line.send(sent, address, timeoutS))
      tokens?.answered(answered.body)
      return answered
    },
    close: () => line.close(),
  }
}

function inText({ status, says, headers, chunks, ms }: Received): Answered {
  const told = says === undefined ? {} : { says }
  if (isGrpc(headers['content-type'] ?? '')) {
    const body = bytesInJson(Buffer.concat(chunks.map(({ bytes }) => bytes)))
    return { status, ...told, body, pieces: [{ text: body, ms }], ms }
  }
  const decoder = new StringDecoder()
  const pieces = chunks.map((chunk) => ({ text: decoder.write(chunk.bytes), ms: chunk.ms }))
  pieces.push({ text: decoder.end(), ms })
  return { status, ...told, body: pieces.map(({ text }) => text).join(''), pieces, ms }
}
