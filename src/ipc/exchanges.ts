/**
 * Finished exchanges of clients on their way from the gateway to the examiner: a stream of frames over a Unix socket, one way.
 * A frame is three lengths (32 bits, big-endian), a head in JSON, the request's body and the answer's body, as they were.
 */

/** Header lines stand as on the wire, one character for each byte (latin1), each ending with CRLF. */
export type TappedHead = {
  service: string
  environment: 'blue' | 'green'
  version: string
  release: string
  requestId: string
  /** Between 0 and 1, by the request id: whoever takes a share of them takes those below it. */
  point: number
  /** Wall time of the assignment, ms. */
  at: number
  method: string
  target: string
  /** The client's, without what was meant for its connection. */
  lines: string
  status: number
  answerLines: string
  /** What came behind the answer's body (HTTP/2); absent: nothing. gRPC says there how it ended. */
  trailerLines?: string
  firstByteMs: number
  totalMs: number
  /** Of the answer, flat pairs: when a piece came (ms from the claim), and its bytes. */
  pieces: readonly number[]
  /** Of a copy: what the other environment answered to the request with the same number. Nobody's client got it. */
  isCopy?: true
  /** The guard judges this answer: its place in the order in which requests were assigned, and how its version was drawn. */
  judged?: Judged
}

export type Judged = {
  /** Of the gateway. */
  run: string
  seq: number
  replica: string
  /** As in an observation; null: nothing was drawn. */
  share: number | null
  client: number
}

export type Tapped = TappedHead & { request: Buffer; answer: Buffer }

/** What never came, by `service reason`. */
export type Dropped = Record<string, number>

/** One character for each byte. */
export type TappedText = { head: TappedHead; request: string; answer: string }

const prefixBytes = 12
/** A head is some header lines (64 KB a side at most) and its pieces. */
const headMaxBytes = 4 * 1024 * 1024
const bodyMaxBytes = 16 * 1024 * 1024

/** @returns memory of its own: it may be handed to another thread */
export function framesOf(exchanges: readonly TappedText[]): Buffer {
  const heads = exchanges.map(({ head }) => JSON.stringify(head))
  const sizes = exchanges.map(
    ({ request, answer }, index) =>
      prefixBytes + Buffer.byteLength(heads[index]!) + request.length + answer.length,
  )
  const frames = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + size, 0))
  let at = 0
  for (const [index, { request, answer }] of exchanges.entries()) {
    const headBytes = sizes[index]! - prefixBytes - request.length - answer.length
    at = frames.writeUInt32BE(headBytes, at)
    at = frames.writeUInt32BE(request.length, at)
    at = frames.writeUInt32BE(answer.length, at)
    at += frames.write(heads[index]!, at)
    at += frames.write(request, at, 'latin1')
    at += frames.write(answer, at, 'latin1')
  }
  return frames
}

export function droppedFrame(dropped: Dropped): Buffer {
  const head = Buffer.from(JSON.stringify({ dropped }))
  const prefix = Buffer.alloc(prefixBytes)
  prefix.writeUInt32BE(head.length)
  return Buffer.concat([prefix, head])
}

/** Reads frames out of pieces of any size. @throws Error when what comes is no frame: the connection is of no further use */
export class FrameReader {
  private held: Buffer = Buffer.alloc(0)
  private readonly on: { exchange(one: Tapped): void; dropped(counts: Dropped): void }

  constructor(on: { exchange(one: Tapped): void; dropped(counts: Dropped): void }) {
    this.on = on
  }

  read(piece: Buffer): void {
    this.held = this.held.length === 0 ? piece : Buffer.concat([this.held, piece])
    let at = 0
    for (;;) {
      const end = this.endOf(at)
      if (end === -1) break
      this.take(at, end)
      at = end
    }
    this.held = this.held.subarray(at)
  }

  private endOf(at: number): number {
    if (this.held.length - at < prefixBytes) return -1
    const [head, request, answer] = this.lengthsAt(at)
    if (head > headMaxBytes || request > bodyMaxBytes || answer > bodyMaxBytes)
      throw new Error(`a frame of ${head} + ${request} + ${answer} bytes is none of the gateway's`)
    const end = at + prefixBytes + head + request + answer
    return end > this.held.length ? -1 : end
  }

  private take(at: number, end: number): void {
    const [headBytes, requestBytes] = this.lengthsAt(at)
    const headEnd = at + prefixBytes + headBytes
    const head = JSON.parse(this.held.toString('utf8', at + prefixBytes, headEnd)) as
      | TappedHead
      | { dropped: Dropped }
    if ('dropped' in head) return this.on.dropped(head.dropped)
    // Copies: whoever keeps an exchange must not keep all that came with it.
    const request = Buffer.from(this.held.subarray(headEnd, headEnd + requestBytes))
    const answer = Buffer.from(this.held.subarray(headEnd + requestBytes, end))
    this.on.exchange({ ...head, request, answer })
  }

  private lengthsAt(at: number): [number, number, number] {
    const { held } = this
    return [held.readUInt32BE(at), held.readUInt32BE(at + 4), held.readUInt32BE(at + 8)]
  }
}
