/** The head of a request that came as a stream, checked as strictly as one that came as lines. RFC 9113 §8.3.1. */
import { isUnreadable, parseFields, refuse } from '../wire/fields.ts'
import type { ParsedFields, Unreadable } from '../wire/fields.ts'
import { hostValue, methodMaxBytes, targetMaxBytes } from '../wire/heads.ts'
import type { Body } from '../wire/wire.ts'
import { linesOf } from './lines.ts'

export type StreamHead = {
  method: string
  /** Origin-form or `*`. */
  target: string
  fields: ParsedFields
  body: Body
  expectsContinue: boolean
}

const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
const target = /^[\x21-\x7e]+$/

/** @param raw flat pairs, pseudo-header fields first @param ended nothing comes behind the head */
export function readHead(raw: readonly string[], ended: boolean): StreamHead | Unreadable {
  const pseudo = new Map<string, string>()
  let at = 0
  for (; at < raw.length && raw[at]!.startsWith(':'); at += 2) {
    if (pseudo.has(raw[at]!)) return refuse(400, `${raw[at]} twice`)
    pseudo.set(raw[at]!, raw[at + 1]!)
  }
  const method = pseudo.get(':method') ?? ''
  const path = pseudo.get(':path') ?? ''
  if (method === 'CONNECT') return refuse(501, 'no tunnels to other hosts')
  if (pseudo.has(':protocol')) return refuse(501, 'protocols are changed over HTTP/1.1 only')
  if (!token.test(method)) return refuse(400, 'the method is no token')
  if (method.length > methodMaxBytes) return refuse(501, 'no such method')
  if (path.length > targetMaxBytes)
    return refuse(414, `a target of more than ${targetMaxBytes} bytes`)
  if (!target.test(path) || path.includes('#')) return refuse(400, 'the path is no path')
  if (!path.startsWith('/') && !(path === '*' && method === 'OPTIONS'))
    return refuse(400, 'the path does not begin with /')
  const fields = withHost(pseudo.get(':authority'), raw.slice(at))
  if (isUnreadable(fields)) return fields
  if (fields.expect !== null && fields.expect !== '100-continue')
    return refuse(417, 'no expectation but 100-continue')
  if (ended && fields.contentLength > 0)
    return refuse(400, 'a Content-Length, and nothing comes behind the head')
  const body = ended || fields.contentLength === 0 ? 'none' : bodyOf(fields)
  return { method, target: path, fields, body, expectsContinue: fields.expect !== null && !ended }
}

/** `:authority` is where it goes; a Host beside it may not say anything else. */
function withHost(
  authority: string | undefined,
  rest: readonly string[],
): ParsedFields | Unreadable {
  const lines = linesOf(rest)
  if (typeof lines !== 'string') return lines
  const came = parseFields(lines)
  if (isUnreadable(came)) return came
  if (came.hosts > 1) return refuse(400, 'more than one Host')
  const host = authority ?? came.host
  if (host === null || !hostValue.test(host))
    return refuse(400, 'exactly one :authority or Host is expected, and it is a host')
  if (came.host === null) return parseFields(`Host: ${host}\r\n${lines}`)
  if (came.host.toLowerCase() === host.toLowerCase()) return came
  return refuse(400, ':authority and Host name two hosts')
}

function bodyOf({ contentLength }: ParsedFields): Body {
  return contentLength > 0 ? 'length' : 'open'
}
