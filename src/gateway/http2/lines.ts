/** Fields of HTTP/2 ↔ header lines: everything above this room knows lines only, and one place judges them. RFC 9113 §8.2. */
import type { OutgoingHttpHeaders } from 'node:http2'
import { refuse } from '../wire/fields.ts'
import type { Unreadable } from '../wire/fields.ts'
import type { Bytes, Lines } from '../wire/wire.ts'

/** Lower case only: a name with capitals is malformed (RFC 9113 §8.2.1). */
const name = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/
/** A line made of such a value would be two, or none (§10.3). */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const breaking = /[\r\n\0]/
/** Meant for one connection of HTTP/1.1; malformed in HTTP/2 (§8.2.2). */
const ofConnections = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

/** @param raw flat pairs as they came, without pseudo-header fields @returns each as `name: value\r\n`; cookies are joined again (§8.2.3) */
export function linesOf(raw: readonly string[]): Lines | Unreadable {
  let lines = ''
  let cookies = ''
  for (let at = 0; at < raw.length; at += 2) {
    const key = raw[at]!
    const value = raw[at + 1]!
    if (!name.test(key)) return refuse(400, 'a header name is no token in lower case')
    if (breaking.test(value)) return refuse(400, `the value of ${key} holds CR, LF or NUL`)
    if (ofConnections.has(key)) return refuse(400, `${key} has no place in HTTP/2`)
    if (key === 'te' && value.toLowerCase() !== 'trailers')
      return refuse(400, 'te says something other than trailers')
    if (key === 'cookie') cookies = cookies === '' ? value : `${cookies}; ${value}`
    else lines += `${key}: ${value}\r\n`
  }
  return cookies === '' ? lines : `${lines}cookie: ${cookies}\r\n`
}

/**
 * For a stream of `node:http2`. Never its text: strings that were written to streams in Node 26.10 came out with bytes of
 * other memory at the end of large bodies (the test of large bodies fails on it); buffers do not.
 */
export function bufferOf(bytes: Bytes): Buffer {
  return Buffer.from(bytes, 'latin1')
}

/** @param lines checked ones @returns flat pairs in lower case, without what is meant for one connection */
export function pairsOf(lines: Lines): string[] {
  const pairs: string[] = []
  for (let at = 0; at < lines.length;) {
    const colon = lines.indexOf(':', at)
    const end = lines.indexOf('\r\n', colon)
    const key = lines.slice(at, colon).toLowerCase()
    if (!ofConnections.has(key)) pairs.push(key, lines.slice(colon + 1, end).trim())
    at = end + 2
  }
  return pairs
}

/** As `node:http2` wants trailers and interim answers: a name that comes again has all its values. */
export function headersOf(lines: Lines): OutgoingHttpHeaders {
  const headers = Object.create(null) as Record<string, string | string[]>
  const pairs = pairsOf(lines)
  for (let at = 0; at < pairs.length; at += 2) {
    const key = pairs[at]!
    const known = headers[key]
    if (known === undefined) headers[key] = pairs[at + 1]!
    else headers[key] = [known, pairs[at + 1]!].flat()
  }
  return headers
}
