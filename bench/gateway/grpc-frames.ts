/** One message of gRPC as it stands in a body: not compressed, its length, itself. */
export function framed(message: string): Buffer {
  const bytes = Buffer.alloc(5 + message.length)
  bytes.writeUInt32BE(message.length, 1)
  bytes.write(message, 5, 'latin1')
  return bytes
}
