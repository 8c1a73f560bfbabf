/** Where gRPC says what HTTP says with its status. Numbers from the gRPC specification (status codes, HTTP-to-gRPC mapping). */
import type { Lines } from '../wire/wire.ts'

export function isGrpc(lines: Lines): boolean {
  return /^content-type:[ \t]*application\/grpc(?:[+;\s]|$)/im.test(lines)
}

/** What a client of gRPC is told instead of a status of the gateway's own. */
const statusOfHttp: Record<number, number> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  408: 4,
  413: 8,
  414: 8,
  429: 14,
  431: 8,
  501: 12,
  502: 14,
  503: 14,
  // A model that was too slow may have done the work: UNAVAILABLE would invite clients to ask again.
  504: 4,
}
const unknown = 2

/**
 * The gateway's own words to a client of gRPC: one head that is its trailers too.
 * @param text a problem document, or plain words
 */
export function grpcRefusal(status: number, text: string): Lines {
  return `content-type: application/grpc\r\ngrpc-status: ${statusOfHttp[status] ?? unknown}\r\ngrpc-message: ${encode(wordsOf(text))}\r\n`
}

function wordsOf(text: string): string {
  try {
    const { title, hint } = JSON.parse(text) as { title?: string; hint?: string }
    return hint === undefined ? (title ?? text) : `${title} (${hint})`
  } catch {
    return text.trim()
  }
}

/** Percent-encoded as gRPC wants its messages: printable ASCII but `%`. */
function encode(words: string): string {
  return Array.from(Buffer.from(words), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('')
}

/** The server's failures; the others are the caller's doing, or answers. */
const failures: Record<number, number> = {
  2: 500, // UNKNOWN: what most servers make of an exception
  4: 504, // DEADLINE_EXCEEDED
  8: 503, // RESOURCE_EXHAUSTED
  12: 501, // UNIMPLEMENTED
  13: 500, // INTERNAL
  14: 503, // UNAVAILABLE
  15: 500, // DATA_LOSS
}

/**
 * gRPC says 200, and then, behind the answer or in place of it, that it failed.
 * @param lines a head's or trailers' @returns the HTTP status that says the same, where they tell of the server's failure; else null
 */
export function failureSaid(
  by: { speaks?: 'http2' | 'grpc' | undefined },
  lines: Lines,
): number | null {
  if (by.speaks !== 'grpc') return null
  const found = /^grpc-status:[ \t]*(\d{1,2})[ \t]*\r$/im.exec(lines)
  return found === null ? null : (failures[Number(found[1])] ?? null)
}
