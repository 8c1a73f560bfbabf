/**
 * The warm-up gate: requests to every replica until its latency is stable. Stable means: the last two windows of requests
 * agree in median and 90th percentile, within a quarter or two milliseconds, and nothing failed in them.
 */
import type { Verdict } from '../../release/release.ts'
import { askerOf } from '../ask.ts'
import type { Asker } from '../ask.ts'
import type { GateSpec, RequestShape, Target } from '../gate.ts'
import { readGoldenSet } from '../golden-set/lines.ts'
import type { Examination } from '../examination.ts'

export type WarmUpSpec = GateSpec & { kind: 'warmUp' }

/** Requests in a window: enough for a median that does not jump, few enough to be quick. */
export const windowSize = 20
export const windowsMin = 2
const relativeTolerance = 0.25
const absoluteToleranceMs = 2
/** A replica that fails this often in a window is not warming, it is broken. */
const failuresMax = 0.2

const fallback: RequestShape = { method: 'GET', path: '/', headers: {}, timeoutS: 10 }

type Warm = { address: string; coldMs: number; warmMs: number; requests: number }

export async function warmUp(
  spec: WarmUpSpec,
  candidate: Target,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const bodies =
    spec.file === null
      ? [undefined]
      : (await readGoldenSet(spec.file)).lines.map(({ request }) => request)
  const asker = askerOf(
    spec.request ?? fallback,
    'warm-up',
    spec.concurrency * candidate.addresses.length,
    signal,
  )
  const requests = new Map<string, number>()
  try {
    const warmed = await Promise.all(
      candidate.addresses.map((address) =>
        warmReplica(asker, address, bodies, spec.concurrency, signal, (count) => {
          requests.set(address, count)
          progress(
            `${[...requests.values()].reduce((sum, one) => sum + one, 0)} requests to ${candidate.addresses.length} replicas`,
          )
        }),
      ),
    )
    const broken = warmed.find((result) => 'failure' in result)
    if (broken !== undefined)
      return {
        verdict: 'fail',
        because: `${broken.address} fails while it warms up: ${broken.failure}`,
        evidence: { replicas: warmed },
      }
    return verdictOf(
      candidate,
      warmed.filter((result): result is Warm => !('failure' in result)),
    )
  } finally {
    asker.close()
  }
}

function verdictOf(candidate: Target, warmed: readonly Warm[]): Verdict {
  const cold = Math.max(...warmed.map(({ coldMs }) => coldMs))
  const warm = Math.max(...warmed.map(({ warmMs }) => warmMs))
  const total = warmed.reduce((sum, { requests }) => sum + requests, 0)
  return {
    verdict: 'pass',
    because: `${candidate.version} is warm after ${total} requests: first answer ${cold.toFixed(1)} ms, now ${warm.toFixed(1)} ms (median)`,
    evidence: { replicas: warmed },
  }
}

async function warmReplica(
  asker: Asker,
  address: string,
  bodies: readonly unknown[],
  concurrency: number,
  signal: AbortSignal,
  progress: (count: number) => void,
): Promise<Warm | { address: string; failure: string }> {
  let before: Window | null = null
  let coldMs = 0
  for (let windows = 1; ; windows++) {
    const { times, failures, why } = await oneWindow(
      asker,
      address,
      bodies,
      (windows - 1) * windowSize,
      concurrency,
      signal,
    )
    if (failures / windowSize > failuresMax)
      return { address, failure: `${failures} of ${windowSize} requests (${why})` }
    if (windows === 1) coldMs = times[0] ?? 0
    progress(windows * windowSize)
    const now = windowOf(times, failures)
    if (before !== null && windows >= windowsMin && isStable(before, now))
      return { address, coldMs, warmMs: now.median, requests: windows * windowSize }
    before = now
  }
}

export type Window = { median: number; p90: number; failures: number }

export function isStable(before: Window, now: Window): boolean {
  return (
    before.failures + now.failures === 0 &&
    agree(before.median, now.median) &&
    agree(before.p90, now.p90)
  )
}

function agree(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(absoluteToleranceMs, relativeTolerance * Math.max(a, b))
}

function windowOf(times: readonly number[], failures: number): Window {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Infinity
  return { median: at(0.5), p90: at(0.9), failures }
}

async function oneWindow(
  asker: Asker,
  address: string,
  bodies: readonly unknown[],
  from: number,
  concurrency: number,
  signal: AbortSignal,
): Promise<{ times: number[]; failures: number; why: string }> {
  const times: number[] = []
  let failures = 0
  let why = ''
  let next = 0
  const walk = async () => {
    while (next < windowSize) {
      signal.throwIfAborted()
      const body = bodies[(from + next++) % bodies.length]
      const answered = await asker.ask(address, body).catch((error: unknown) => error as Error)
      signal.throwIfAborted()
      if (answered instanceof Error || answered.status >= 400) {
        failures++
        why = answered instanceof Error ? answered.message : `status ${answered.status}`
      } else times.push(answered.ms)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, walk))
  return { times, failures, why }
}
