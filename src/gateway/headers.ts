/** Which headers go on, which do not, and which are added. Pure. RFC 9110 §7.6. */
import type { Exchange, Headers } from './wire/wire.ts'
import { headerOf } from './wire/wire.ts'

/** Meant for one connection only. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
])
/** What `Connection` may never take away: without these a message means something else, or goes elsewhere. */
const neverNominated = new Set(['content-length', 'host', 'content-type', 'authorization'])

export function requestHeaders(exchange: Exchange): string[] {
  const { headers, upgrade } = exchange
  const nominated = nominatedBy(headers)
  const chunked = headerOf(headers, 'transfer-encoding') !== null
  const forwarded: string[] = []
  const out: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index]!.toLowerCase()
    if (name === 'x-forwarded-for') forwarded.push(headers[index + 1]!)
    if (dropped(name, nominated) || name.startsWith('x-forwarded-')) continue
    out.push(headers[index]!, headers[index + 1]!)
  }
  out.push('X-Forwarded-For', [...forwarded, exchange.remoteAddress].join(', '))
  out.push('X-Forwarded-Proto', exchange.secure ? 'https' : 'http')
  const host = headerOf(headers, 'host')
  if (host !== null) out.push('X-Forwarded-Host', host)
  if (upgrade) out.push('Connection', 'Upgrade', 'Upgrade', headerOf(headers, 'upgrade') ?? '')
  else out.push('Connection', 'keep-alive')
  if (chunked && exchange.hasBody) out.push('Transfer-Encoding', 'chunked')
  return out
}

export type Own = { version: string; environment: string; requestId: string }

export function answerHeaders(headers: Headers, own: Own, say: 'full' | 'id'): string[] {
  const nominated = nominatedBy(headers)
  const out: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    if (!dropped(headers[index]!.toLowerCase(), nominated))
      out.push(headers[index]!, headers[index + 1]!)
  }
  return [...out, ...ownHeaders(own, say)]
}

export function ownHeaders({ version, environment, requestId }: Own, say: 'full' | 'id'): string[] {
  const id = ['Beryl-Request-Id', requestId]
  return say === 'full' ? ['Beryl-Version', version, 'Beryl-Environment', environment, ...id] : id
}

/** 101 keeps its own Connection and Upgrade. */
export function switchedHeaders(headers: Headers, own: Own, say: 'full' | 'id'): string[] {
  return [
    ...answerHeaders(headers, own, say),
    'Connection',
    'Upgrade',
    'Upgrade',
    headerOf(headers, 'upgrade') ?? '',
  ]
}

function dropped(name: string, nominated: ReadonlySet<string>): boolean {
  return hopByHop.has(name) || nominated.has(name) || name.startsWith('beryl-')
}

const none: ReadonlySet<string> = new Set()

function nominatedBy(headers: Headers): ReadonlySet<string> {
  const connection = headerOf(headers, 'connection')
  if (connection === null || connection === 'close' || connection === 'keep-alive') return none
  const names = connection.split(',').map((name) => name.trim().toLowerCase())
  return new Set(names.filter((name) => !neverNominated.has(name)))
}
