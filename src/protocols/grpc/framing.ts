/** Messages of gRPC on their way: a flag (packed?), a length of 4 bytes, the message. https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */

export type Framed = { isPacked: boolean; bytes: Uint8Array }

const headBytes = 5

export function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** Null where they are no whole messages. */
export function messagesIn(bytes: Buffer): Framed[] | null {
  const all: Framed[] = []
  for (let at = 0; at < bytes.length;) {
    if (bytes.length - at < headBytes || bytes[at]! > 1) return null
    const end = at + headBytes + bytes.readUInt32BE(at + 1)
    if (end > bytes.length) return null
    all.push({ isPacked: bytes[at] === 1, bytes: bytes.subarray(at + headBytes, end) })
    at = end
  }
  return all
}

/** `application/grpc`, `application/grpc+proto`; other forms (`+json`) are not read. */
export function isGrpc(contentType: string): boolean {
  return /^application\/grpc(\+proto)?\s*(;|$)/i.test(contentType.trim())
}
