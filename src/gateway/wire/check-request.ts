/** The parser of node:http is strict about bytes; this is what it lets through and a gateway must not. RFC 9112 §3, §6. */
import type { IncomingMessage } from 'node:http'
import type { Headers } from './wire.ts'
import { listOf } from './wire.ts'

export type Checked = {
  /** Origin-form, or `*`. */
  target: string
  headers: Headers
  refusal: { status: number; because: string } | null
}

export function checkRequest(request: Pick<IncomingMessage, 'url' | 'rawHeaders'>): Checked {
  const { url = '/', rawHeaders } = request
  const plain = { target: url, headers: rawHeaders, refusal: null }
  if (count(rawHeaders, 'host') > 1)
    return { ...plain, refusal: { status: 400, because: 'a request has one Host' } }
  const codings = listOf(rawHeaders, 'transfer-encoding')
  if (codings.length > 0 && codings.join() !== 'chunked')
    return { ...plain, refusal: { status: 501, because: 'no transfer coding but chunked' } }
  if (url.startsWith('/') || url === '*') return plain
  return absolute(url, rawHeaders) ?? { ...plain, refusal: { status: 400, because: 'bad target' } }
}

/** `GET http://host/path`: the target's host is the one that counts (RFC 9112 §3.2.2). */
function absolute(url: string, headers: Headers): Checked | null {
  const match = /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(url)
  if (match === null) return null
  const [, host, rest = '/'] = match
  const others = headers.filter((_, at) => headers[at - (at % 2)]!.toLowerCase() !== 'host')
  return {
    target: rest.startsWith('?') ? `/${rest}` : rest,
    headers: ['Host', host!, ...others],
    refusal: null,
  }
}

function count(headers: Headers, name: string): number {
  let found = 0
  for (let index = 0; index < headers.length; index += 2)
    if (headers[index]!.length === name.length && headers[index]!.toLowerCase() === name) found++
  return found
}
