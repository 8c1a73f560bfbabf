/**
 * Sends spans in batches, one at a time, by OTLP/HTTP with JSON. Bounded: what finds no room is dropped and counted, and so is what
 * nobody takes in time. Nobody waits for it.
 */
import { version } from '../ipc/version.ts'
import { log } from '../log.ts'
import { exportRequest } from './otlp.ts'
import type { Resource, Span } from './otlp.ts'

export type Telemetry = {
  /** Such as `http://127.0.0.1:4318`; `/v1/traces` is added. */
  otlp: string
  headers: Readonly<Record<string, string>>
}

export type Exporter = ReturnType<typeof openExporter>
export type SpanCounts = { sent: number; dropped: number }

const usual = {
  queueMax: 4096,
  batchMax: 512,
  flushMs: 1000,
  timeoutMs: 10_000,
  triesMax: 5,
  firstWaitMs: 1000,
  waitMaxMs: 30_000,
  /** Whoever ends waits so long for all that is still to be sent. */
  stopMs: 2000,
}
/** The specification's: what may be sent again. */
const retryable: readonly number[] = [429, 502, 503, 504]

export function openExporter(
  { otlp, headers }: Telemetry,
  resource: Resource,
  limits: Partial<typeof usual> = {},
) {
  const { queueMax, batchMax, flushMs, timeoutMs, triesMax, firstWaitMs, waitMaxMs, stopMs } = {
    ...usual,
    ...limits,
  }
  const url = `${otlp.replace(/\/$/, '')}/v1/traces`
  const stopping = new AbortController()
  const over = new AbortController()
  let queue: Span[] = []
  let timer: NodeJS.Timeout | null = null
  let sending: Promise<void> | null = null
  /** Said once when it begins, once when it is over. */
  let isAway = false
  const counts: SpanCounts = { sent: 0, dropped: 0 }

  return {
    add(spans: readonly Span[]): void {
      const room = Math.max(0, queueMax - queue.length)
      queue.push(...spans.slice(0, room))
      counts.dropped += Math.max(0, spans.length - room)
      if (queue.length >= batchMax) flush()
      else timer ??= setTimeout(flush, flushMs).unref()
    },
    /** Of those that nobody had room for elsewhere. */
    drop: (count: number) => void (counts.dropped += count),
    counts: (): SpanCounts => ({ ...counts }),
    /** What waits is sent once more, and then let go of. */
    async stop(): Promise<void> {
      flush()
      stopping.abort()
      const last = setTimeout(() => over.abort(), stopMs)
      await sending
      clearTimeout(last)
    },
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    sending ??= sendAll().finally(() => (sending = null))
  }

  async function sendAll(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue.slice(0, batchMax)
      queue = queue.slice(batchMax)
      const refusal = await deliver(batch)
      if (refusal === null) counts.sent += batch.length
      else counts.dropped += batch.length
      if (refusal !== null && !isAway)
        log.warn({ otlp: url, why: refusal }, 'traces are not taken; spans are dropped')
      if (refusal === null && isAway) log.info({ otlp: url }, 'traces are taken again')
      isAway = refusal !== null
      // Whoever ends does not wait for each batch that is not taken.
      if (isAway && stopping.signal.aborted) counts.dropped += queue.splice(0).length
    }
  }

  /** @returns why it was not taken */
  async function deliver(batch: readonly Span[]): Promise<string | null> {
    const body = JSON.stringify(exportRequest(batch, resource, version))
    for (let attempt = 1; ; attempt++) {
      const { refusal, again, afterMs } = await post(body)
      if (refusal === null) return null
      if (!again || attempt >= triesMax || stopping.signal.aborted) return refusal
      const backOff = Math.min(waitMaxMs, firstWaitMs * 2 ** (attempt - 1))
      // Many who were refused together must not come again together.
      await wait(afterMs ?? backOff * (0.5 + Math.random() / 2))
    }
  }

  async function post(
    body: string,
  ): Promise<{ refusal: string | null; again: boolean; afterMs: number | null }> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        redirect: 'error',
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), over.signal]),
      })
      // What is in it is not needed, and may have no end.
      await response.body?.cancel()
      const afterS = Number(response.headers.get('retry-after') ?? Number.NaN)
      return {
        refusal: response.ok ? null : `status ${response.status}`,
        again: retryable.includes(response.status),
        afterMs: afterS >= 0 ? Math.min(waitMaxMs, afterS * 1000) : null,
      }
    } catch (error) {
      const { message, cause } = error as Error
      const { code, message: why } = (cause ?? {}) as { code?: string; message?: string }
      return { refusal: code ?? why ?? message, again: true, afterMs: null }
    }
  }

  function wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(waiting)
        resolve()
      }
      const waiting = setTimeout(over, ms)
      if (stopping.signal.aborted) over()
      else stopping.signal.addEventListener('abort', over, { once: true })
    })
  }
}
