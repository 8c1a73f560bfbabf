/**
 * Header lines → what frames a message and what must not go on. One pass, strict: RFC 9110 §5, RFC 9112 §5. What another
 * reader could take for something else is refused, never repaired.
 */
import type { Fields, Lines } from './wire.ts'

export type ParsedFields = Fields & {
  /** Bytes, or -1 where no Content-Length stands. */
  contentLength: number
  chunked: boolean
  /** In lower case; empty where there is none. */
  connection: string
  expect: string | null
  hosts: number
}

/** While it is being read. */
type Found = { -readonly [Key in keyof ParsedFields]: ParsedFields[Key] }

export type Unreadable = { status: number; because: string }

/** More lines than any client sends; each costs a little in every reader behind. */
const fieldsMax = 200
/** 2⁵³ has 16 digits; a body of 10¹⁵ bytes is none. */
const lengthDigitsMax = 15

/** What may stand in a value, and CR and LF only as a pair. RFC 9110 §5.5. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const unlawful = /[^\t\r\n -~\u0080-\u00ff]|\r(?!\n)|(?<!\r)\n/

/** Token characters (RFC 9110 §5.6.2), by code. */
const token = new Uint8Array(256)
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
  token[character.charCodeAt(0)] = 1

/** `Connection` may take a line away, but never these: without them a message means something else, or goes elsewhere. */
const neverNominated = new Set(['content-length', 'host', 'content-type', 'authorization'])

const none: readonly number[] = []

/** @param lines each ended by CR LF; the empty line is not part of it */
export function parseFields(lines: Lines): ParsedFields | Unreadable {
  if (unlawful.test(lines))
    return refuse(400, 'a header holds a control character or a bare CR or LF')
  const found: Found = {
    lines,
    dropped: none,
    host: null,
    upgrade: null,
    forwardedFor: '',
    contentLength: -1,
    chunked: false,
    connection: '',
    expect: null,
    hosts: 0,
  }
  const dropped: number[] = []
  let count = 0
  for (let at = 0; at < lines.length;) {
    if (++count > fieldsMax) return refuse(431, `more than ${fieldsMax} header lines`)
    let colon = at
    while (token[lines.charCodeAt(colon)] === 1) colon++
    if (colon === at || lines.charCodeAt(colon) !== 58)
      return refuse(400, 'a header name is no token that a colon ends (RFC 9112 §5)')
    const end = lines.indexOf('\r\n', colon) + 2
    const drop = look(found, lines, at, colon, end)
    if (typeof drop === 'object') return drop
    if (drop) dropped.push(at, end)
    at = end
  }
  if (found.chunked && found.contentLength >= 0)
    return refuse(400, 'both Content-Length and Transfer-Encoding (RFC 9112 §6.3)')
  found.dropped = nominates(found.connection) ? nominated(found, dropped) : dropped
  return found
}

/** @returns whether the line must not go on, or why the message is refused */
function look(
  found: Found,
  lines: Lines,
  at: number,
  colon: number,
  end: number,
): boolean | Unreadable {
  const length = colon - at
  switch (lines.charCodeAt(at) | 32) {
    case 98: // b
      return length > 6 && isName(lines, at, 'beryl-')
    case 99: // c
      if (length === 10 && isName(lines, at, 'connection')) {
        const value = valueOf(lines, colon, end).toLowerCase()
        found.connection = found.connection === '' ? value : `${found.connection},${value}`
        return true
      }
      if (length === 14 && isName(lines, at, 'content-length'))
        return lengthOf(found, valueOf(lines, colon, end))
      return false
    case 101: // e
      if (length !== 6 || !isName(lines, at, 'expect')) return false
      if (found.expect !== null) return refuse(400, 'more than one Expect')
      found.expect = valueOf(lines, colon, end).toLowerCase()
      return true
    case 104: // h
      if (length !== 4 || !isName(lines, at, 'host')) return false
      found.hosts++
      found.host ??= valueOf(lines, colon, end)
      return false
    case 107: // k
      return length === 10 && isName(lines, at, 'keep-alive')
    case 112: // p
      return (
        (length === 16 && isName(lines, at, 'proxy-connection')) ||
        (length === 18 && isName(lines, at, 'proxy-authenticate')) ||
        (length === 19 && isName(lines, at, 'proxy-authorization'))
      )
    case 116: // t
      if (length === 17 && isName(lines, at, 'transfer-encoding')) {
        if (found.chunked || valueOf(lines, colon, end).toLowerCase() !== 'chunked')
          return refuse(501, 'a transfer coding other than one `chunked` (RFC 9112 §6.1)')
        found.chunked = true
        return true
      }
      return length === 2 && isName(lines, at, 'te')
    case 117: // u
      if (length !== 7 || !isName(lines, at, 'upgrade')) return false
      found.upgrade ??= valueOf(lines, colon, end)
      return true
    case 120: // x
      if (length < 12 || !isName(lines, at, 'x-forwarded-')) return false
      if (length === 15 && isName(lines, at, 'x-forwarded-for')) {
        const value = valueOf(lines, colon, end)
        found.forwardedFor = found.forwardedFor === '' ? value : `${found.forwardedFor}, ${value}`
      }
      return true
    default:
      return false
  }
}

function lengthOf(found: Found, value: string): false | Unreadable {
  if (found.contentLength >= 0) return refuse(400, 'more than one Content-Length')
  if (value.length > lengthDigitsMax || !/^\d+$/.test(value))
    return refuse(400, 'a Content-Length that is no number')
  found.contentLength = Number(value)
  return false
}

/** One of the options that `Connection` names. @param connection in lower case */
export function names(connection: string, option: string): boolean {
  if (connection === '') return false
  return connection === option || connection.split(',').some((one) => one.trim() === option)
}

/** What `Connection` names is meant for one connection too (RFC 9110 §7.6.1). Rare: costs a second pass. */
function nominated({ lines, connection }: ParsedFields, dropped: readonly number[]): number[] {
  const names = new Set(connection.split(',').map((name) => name.trim()))
  const all: number[] = []
  let next = 0
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf('\r\n', at) + 2
    const name = lines.slice(at, lines.indexOf(':', at)).toLowerCase()
    if (dropped[next] === at) {
      all.push(at, end)
      next += 2
    } else if (names.has(name) && !neverNominated.has(name)) all.push(at, end)
    at = end
  }
  return all
}

function nominates(connection: string): boolean {
  return (
    connection !== '' &&
    connection !== 'keep-alive' &&
    connection !== 'close' &&
    connection !== 'upgrade'
  )
}

/** @param name in lower case, letters and dashes: a token's code with bit 5 set equals it in either case only */
function isName(lines: Lines, at: number, name: string): boolean {
  for (let index = 0; index < name.length; index++)
    if ((lines.charCodeAt(at + index) | 32) !== name.charCodeAt(index)) return false
  return true
}

/** Without the spaces and tabs around it. */
function valueOf(lines: Lines, colon: number, end: number): string {
  let from = colon + 1
  let to = end - 2
  while (from < to && isSpace(lines.charCodeAt(from))) from++
  while (to > from && isSpace(lines.charCodeAt(to - 1))) to--
  return lines.slice(from, to)
}

function isSpace(code: number): boolean {
  return code === 32 || code === 9
}

export function refuse(status: number, because: string): Unreadable {
  return { status, because }
}

export function isUnreadable(value: object): value is Unreadable {
  return 'because' in value
}
