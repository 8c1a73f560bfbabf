/** A body as it was before it was packed for the wire. */
import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/** Four times what the tap takes as it is on the wire. */
const plainMaxBytes = 1024 * 1024

const unpack: Record<string, (bytes: Buffer) => Buffer> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gunzipSync(bytes, { maxOutputLength: plainMaxBytes }),
  'x-gzip': (bytes) => gunzipSync(bytes, { maxOutputLength: plainMaxBytes }),
  deflate: (bytes) => inflateSync(bytes, { maxOutputLength: plainMaxBytes }),
  br: (bytes) => brotliDecompressSync(bytes, { maxOutputLength: plainMaxBytes }),
  zstd: (bytes) => zstdDecompressSync(bytes, { maxOutputLength: plainMaxBytes }),
}

/** @param encoding as Content-Encoding says it @returns null where it cannot be unpacked, or would be too large */
export function decoded(bytes: Buffer, encoding: string): Buffer | null {
  if (bytes.length === 0) return bytes
  try {
    return encoding
      .split(',')
      .map((one) => one.trim().toLowerCase())
      .filter((one) => one !== '')
      .toReversed()
      .reduce((packed, one) => unpack[one]!(packed), bytes)
  } catch {
    return null
  }
}
