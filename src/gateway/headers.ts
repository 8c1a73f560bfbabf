/** Which header lines go on, which do not, and which are added. Pure. RFC 9110 §7.6. */
import { traceparent } from '../telemetry/trace-context.ts'
import { withoutContext } from './tracing.ts'
import type { Trace } from './tracing.ts'
import { without } from './wire/body-reader.ts'
import type { Exchange, Fields, Lines } from './wire/wire.ts'

/** What goes to the model server: without what was meant for this connection, and with who asked. */
export function requestLines(
  {
    fields,
    remoteAddress,
    secure,
    upgrade,
  }: Pick<Exchange, 'fields' | 'remoteAddress' | 'secure' | 'upgrade'>,
  trace: Trace | null = null,
): Lines {
  const { host, forwardedFor } = fields
  const client = forwardedFor === '' ? remoteAddress : `${forwardedFor}, ${remoteAddress}`
  const forwarded = `X-Forwarded-For: ${client}\r\nX-Forwarded-Proto: ${secure ? 'https' : 'http'}\r\n`
  const named = host === null ? '' : `X-Forwarded-Host: ${host}\r\n`
  const switching = upgrade ? `Connection: Upgrade\r\nUpgrade: ${fields.upgrade}\r\n` : ''
  const kept = without(fields.lines, fields.dropped)
  const more = `${forwarded}${named}${switching}`
  if (trace === null) return kept + more
  return `${withoutContext(kept, trace)}traceparent: ${traceparent(trace)}\r\n${more}`
}

export type Own = { version: string; environment: string; requestId: string }

export function answerLines({ lines, dropped }: Fields, own: Own, say: 'full' | 'id'): Lines {
  return without(lines, dropped) + ownLines(own, say)
}

export function ownLines({ version, environment, requestId }: Own, say: 'full' | 'id'): Lines {
  return say === 'full'
    ? `Beryl-Version: ${version}\r\nBeryl-Environment: ${environment}\r\nBeryl-Request-Id: ${requestId}\r\n`
    : `Beryl-Request-Id: ${requestId}\r\n`
}

/** 101 keeps its own Connection and Upgrade. */
export function switchedLines(fields: Fields, own: Own, say: 'full' | 'id'): Lines {
  return `${answerLines(fields, own, say)}Connection: Upgrade\r\nUpgrade: ${fields.upgrade ?? 'websocket'}\r\n`
}
