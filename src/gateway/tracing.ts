/**
 * A worker's half of tracing: whether a request is recorded, what its model server is told, and one small record when it ends. A
 * trace that the caller records goes on; of the others a share begins here. What is not recorded passes as it came.
 */
import { randomBytes } from 'node:crypto'
import { readTraceparent } from '../telemetry/trace-context.ts'
import type { TraceContext } from '../telemetry/trace-context.ts'
import { headerIn } from './affinity.ts'
import type { Ended, Flight } from './forward.ts'
import type { Lines } from './wire/wire.ts'

/** `parentId` null: it begins its trace. */
export type Trace = TraceContext & { parentId: string | null }

/** Plain values only: it crosses a thread. */
export type SpanRecord = Ended &
  Pick<Trace, 'traceId' | 'spanId' | 'parentId'> & {
    /** Wall time of the claim, ms. */
    at: number
    method: string
    /** Without the query, which may hold what must not be kept. */
    path: string
    route: string
    secure: boolean
    service: string
    environment: string
    version: string
    release: string
    replica: string
    requestId: string
    tries: number
  }

export type SpanBatch = { spans: SpanRecord[]; dropped: number }

const flushMs = 200
/** A worker hands on so many at most with each flush: clients that record everything must not cost more than themselves. */
const batchMax = 200
const pathMax = 512
const both = /^(?:traceparent|tracestate):[^\r\n]*\r\n/gim
const parent = /^traceparent:[^\r\n]*\r\n/gim

export type Tracing = ReturnType<typeof openTracing>

/** @param share of the requests that nobody traces yet; null: nothing is traced */
export function openTracing(share: number | null, hand: (batch: SpanBatch) => void) {
  let spans: SpanRecord[] = []
  let dropped = 0
  let timer: NodeJS.Timeout | null = null

  return {
    isOn: share !== null,
    /** @returns null where it is not recorded */
    begin(lines: Lines): Trace | null {
      const given = headerIn('traceparent', lines)
      const caller = given === null ? null : readTraceparent(given)
      if (caller === null ? Math.random() >= share! : !caller.isSampled) return null
      const ids = randomBytes(24).toString('hex')
      return {
        traceId: caller?.traceId ?? ids.slice(0, 32),
        spanId: ids.slice(32),
        parentId: caller?.spanId ?? null,
        isSampled: true,
      }
    },
    ended(flight: Flight, trace: Trace, result: Ended): void {
      if (spans.length < batchMax) spans.push(recordOf(flight, trace, result))
      else dropped++
      timer ??= setTimeout(flush, flushMs)
    },
    flush,
  }

  function flush(): void {
    if (timer === null) return
    clearTimeout(timer)
    timer = null
    hand({ spans, dropped })
    spans = []
    dropped = 0
  }
}

/** Header lines without the caller's context: what a model server is told of is this gateway's. */
export function withoutContext(lines: Lines, { parentId }: Trace): Lines {
  // The state of others goes on with their trace, and with no other.
  return lines.replace(parentId === null ? both : parent, '')
}

function recordOf(flight: Flight, trace: Trace, result: Ended): SpanRecord {
  const { claim, exchange, requestId, tries } = flight
  const { environment, table, replica } = claim
  return {
    ...result,
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentId: trace.parentId,
    at: claim.at,
    method: exchange.method,
    path: exchange.target.split('?', 1)[0]!.slice(0, pathMax),
    route: table.route?.path ?? '',
    secure: exchange.secure,
    service: table.service,
    environment: environment.environment,
    version: environment.version,
    release: environment.release,
    replica: replica.id,
    requestId,
    tries,
  }
}
