/** Start lines, and what a whole head says of the message. RFC 9112 §3, §4, §6. */
import { isUnreadable, names, parseFields, refuse } from './fields.ts'
import type { ParsedFields, Unreadable } from './fields.ts'
import type { Body } from './wire.ts'

/** A head with its start line, in bytes. */
export const headMaxBytes = 64 * 1024
export const targetMaxBytes = 16 * 1024
export const methodMaxBytes = 32

export type RequestHead = {
  method: string
  /** Origin-form or `*`. */
  target: string
  fields: ParsedFields
  body: Body
  upgrade: boolean
  expectsContinue: boolean
  /** The connection may carry another request after this one. */
  keep: boolean
  /** The client knows chunks. */
  modern: boolean
}

const requestLine = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+) ([\x21-\x7e]+) HTTP\/(\d)\.(\d)$/
const absoluteForm = /^https?:\/\/([^/?#@]+)([/?].*)?$/i
export const hostValue = /^(\[[\dA-Fa-f:.]+\]|[A-Za-z\d.\-_~%!$&'()*+,;=]*)(:\d{0,5})?$/

/** @param head its lines, each ended by CR LF; the empty line is not part of it */
export function parseRequestHead(head: string): RequestHead | Unreadable {
  const lineEnd = head.indexOf('\r\n')
  const line = head.slice(0, lineEnd)
  const match = requestLine.exec(line)
  if (match === null)
    return line.length > targetMaxBytes
      ? refuse(414, `a request line of more than ${targetMaxBytes} bytes`)
      : refuse(400, 'the first line is no request line (RFC 9112 §3)')
  const [, method, asked, major, minor] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ]
  if (major !== '1') return refuse(505, 'HTTP/1.1 and HTTP/1.0 are understood here')
  if (asked.length > targetMaxBytes)
    return refuse(414, `a target of more than ${targetMaxBytes} bytes`)
  if (method.length > methodMaxBytes) return refuse(501, 'no such method')
  if (method === 'CONNECT') return refuse(501, 'no tunnels to other hosts')
  const fields = parseFields(head.slice(lineEnd + 2))
  if (isUnreadable(fields)) return fields
  const modern = minor !== '0'
  return checked({ method, asked, modern, fields })
}

function checked({
  method,
  asked,
  modern,
  fields,
}: {
  method: string
  asked: string
  modern: boolean
  fields: ParsedFields
}): RequestHead | Unreadable {
  if (fields.hosts > 1 || (modern && fields.hosts === 0))
    return refuse(400, 'exactly one Host is expected (RFC 9112 §3.2)')
  if (fields.host !== null && !hostValue.test(fields.host))
    return refuse(400, 'the Host is no host')
  if (fields.chunked && !modern) return refuse(400, 'chunks in HTTP/1.0')
  if (fields.expect !== null && fields.expect !== '100-continue')
    return refuse(417, 'no expectation but 100-continue')
  const { connection, contentLength, chunked } = fields
  const place = targetOf(method, asked, fields)
  if (isUnreadable(place)) return place
  const body: Body = chunked ? 'open' : contentLength > 0 ? 'length' : 'none'
  const upgrade =
    modern &&
    fields.upgrade?.toLowerCase() === 'websocket' &&
    names(connection, 'upgrade') &&
    method === 'GET'
  if (upgrade && body !== 'none')
    return refuse(
      400,
      'a request to change protocols has no body: bytes behind it would mean two things',
    )
  return {
    method,
    target: place.target,
    fields: place.fields,
    body,
    upgrade,
    expectsContinue: modern && fields.expect !== null && body !== 'none',
    keep: modern && !names(connection, 'close'),
    modern,
  }
}

/** `GET http://host/path`: the target's host is the one that counts (RFC 9112 §3.2.2). */
function targetOf(
  method: string,
  asked: string,
  fields: ParsedFields,
): { target: string; fields: ParsedFields } | Unreadable {
  if (asked.includes('#')) return refuse(400, 'a target holds no fragment')
  if (asked.startsWith('/')) return { target: asked, fields }
  if (asked === '*' && method === 'OPTIONS') return { target: asked, fields }
  const [, host, rest = '/'] = absoluteForm.exec(asked) ?? []
  if (host === undefined || !hostValue.test(host))
    return refuse(400, 'a target is a path, or a whole address (RFC 9112 §3.2)')
  const others = fields.lines.replace(/^host:[^\r]*\r\n/im, '')
  const again = parseFields(`Host: ${host}\r\n${others}`)
  if (isUnreadable(again)) return again
  return { target: rest.startsWith('?') ? `/${rest}` : rest, fields: again }
}

export type AnswerHead = {
  status: number
  reason: string
  fields: ParsedFields
  body: Body
  /** Where the body ends with the connection. */
  untilClose: boolean
  keep: boolean
}

const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([\t -~\u0080-\u00ff]*))?$/

/**
 * @param head its lines, each ended by CR LF; the empty line is not part of it
 * @param method of the request: an answer to HEAD has no body, whatever its head says
 */
export function parseAnswerHead(head: string, method: string): AnswerHead | Unreadable {
  const lineEnd = head.indexOf('\r\n')
  const match = statusLine.exec(head.slice(0, lineEnd))
  if (match === null) return refuse(502, 'its first line is no status line of HTTP/1.1')
  const fields = parseFields(head.slice(lineEnd + 2))
  if (isUnreadable(fields)) return refuse(502, fields.because)
  const status = Number(match[2])
  const { chunked, contentLength, connection } = fields
  const bodyless = method === 'HEAD' || status === 204 || status === 304 || status < 200
  const untilClose = !bodyless && !chunked && contentLength < 0
  const body: Body =
    bodyless || contentLength === 0 ? 'none' : chunked || untilClose ? 'open' : 'length'
  return {
    status,
    reason: match[3] ?? '',
    fields,
    body,
    untilClose,
    keep: match[1] === '1' && !names(connection, 'close'),
  }
}
