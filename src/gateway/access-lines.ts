/** A worker's half of the access log: one JSON line for each request of the sample, handed on in batches. */
import type { Ended, Flight } from './forward.ts'

const flushMs = 200
const batchMaxBytes = 64 * 1024
/** Longer ones are shown by their beginning. */
const pathMax = 512

export function openAccessLines(share: number, hand: (lines: string) => void) {
  let lines = ''
  let timer: NodeJS.Timeout | null = null
  return {
    ended(flight: Flight, result: Ended): void {
      if (share === 0 || Math.random() >= share) return
      lines += `${JSON.stringify(entryOf(flight, result))}\n`
      if (lines.length > batchMaxBytes) flush()
      else timer ??= setTimeout(flush, flushMs)
    },
    flush,
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    if (lines !== '') hand(lines)
    lines = ''
  }
}

/** Never the query nor a header: they may hold what must not be kept. */
function entryOf(flight: Flight, { outcome, status, firstByteMs, totalMs }: Ended) {
  const { claim, exchange, requestId, bytesIn, bytesOut, tries } = flight
  const { environment, table, replica } = claim
  return {
    at: new Date(claim.at).toISOString(),
    requestId,
    client: exchange.remoteAddress,
    method: exchange.method,
    path: exchange.target.split('?', 1)[0]!.slice(0, pathMax),
    service: table.service,
    environment: environment.environment,
    version: environment.version,
    replica: replica.id,
    status,
    outcome,
    firstByteMs: Number(firstByteMs.toFixed(3)),
    totalMs: Number(totalMs.toFixed(3)),
    bytesIn,
    bytesOut,
    tries,
  }
}
