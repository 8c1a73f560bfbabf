/**
 * The warm-up gate: requests to every replica until the latency of each is stable (stable.ts says what that is). A replica
 * that answers errors fails it; one that is still changing when time is over leaves it undecided. Nothing but stable latency
 * passes.
 *
 * Where neither the gate nor a golden set says what to send, GET / is sent: that warms connections and the server, and a
 * server that has nothing there must be told what to warm up with.
 */
import type { Verdict } from '../../release/release.ts'
import { askerOf } from '../ask.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, RequestShape, Target } from '../gate.ts'
import { bodiesOf } from './bodies.ts'
import type { Bodies } from './bodies.ts'
import { heatUp } from './heat.ts'
import type { Heat } from './heat.ts'
import { windowsAlike, windowSize } from './stable.ts'

export type WarmUpSpec = GateSpec & { kind: 'warmUp' }

const fallback: RequestShape = { method: 'GET', path: '/', headers: {}, timeoutS: 10 }
const noBody: Bodies = () => undefined

/** @throws Error where the golden set cannot be read: nothing is decided then */
export async function warmUp(
  spec: WarmUpSpec,
  candidate: Target,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const bodies = spec.file === null ? noBody : await bodiesOf(spec.file, windowSize, signal)
  // One broken replica ends it for all.
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const asker = askerOf(spec.request ?? fallback, {
    purpose: 'warm-up',
    connections: spec.concurrency,
    signal: both,
  })
  const requests = new Map<string, number>()
  try {
    const heats = await Promise.all(
      candidate.addresses.map(async (address) => {
        const found = await heatUp(asker, address, {
          protocol: spec.protocol,
          bodies,
          concurrency: spec.concurrency,
          withinS: spec.withinS,
          signal: both,
          progress: (count) => {
            requests.set(address, count)
            const total = [...requests.values()].reduce((sum, one) => sum + one, 0)
            progress(`${total} requests to ${candidate.addresses.length} replicas`)
          },
        })
        if (found.outcome === 'broken') over.abort(new Error('a replica is broken'))
        return found
      }),
    )
    return verdictOf(spec, candidate, heats, signal)
  } finally {
    asker.close()
  }
}

function verdictOf(
  { request }: WarmUpSpec,
  { version }: Target,
  heats: readonly Heat[],
  signal: AbortSignal,
): Verdict {
  const evidence = { windowSize, windowsAlike, replicas: heats }
  const broken = heats.find(({ outcome }) => outcome === 'broken')
  if (broken !== undefined) return failed(broken, request, evidence)
  const unsteady = heats.find(({ outcome }) => outcome === 'unsteady')
  if (unsteady !== undefined)
    return undecided(
      `${signal.aborted ? (signal.reason as Error).message : 'too many requests without an end'}: ${unsteady.address} ${stateOf(unsteady)}`,
      evidence,
    )
  const requests = heats.reduce((sum, heat) => sum + heat.requests, 0)
  const cold = Math.max(...heats.map(({ coldMs }) => coldMs ?? 0))
  const warm = Math.max(...heats.map(({ windows }) => windows.at(-1)!.median!))
  return {
    verdict: 'pass',
    because: `${version} is warm after ${requests} requests: first answer ${cold.toFixed(1)} ms, now ${warm.toFixed(1)} ms (median)${firstToken(heats)}`,
    evidence,
  }
}

/** The slowest replica's, where answers are streamed. */
function firstToken(heats: readonly Heat[]): string {
  const known = heats.flatMap(({ firstTokenMs }) => firstTokenMs ?? [])
  return known.length === 0 ? '' : `, the first token after ${Math.max(...known).toFixed(1)} ms`
}

function failed(
  { address, errors, requests, why }: Heat,
  request: RequestShape | null,
  evidence: Record<string, unknown>,
): Verdict {
  const text = `${address} fails while it warms up: ${errors} of ${requests} requests (${why})`
  if (request === null && why?.startsWith('status 4') === true)
    return undecided(
      `${text}; nothing says what to warm it up with, so GET / was sent: give warmUp a request, or add a golden set`,
      evidence,
    )
  return { verdict: 'fail', because: text, evidence }
}

function stateOf({ windows, requests, late, errors, coldMs }: Heat): string {
  const medians = windows.flatMap(({ median }) => (median === null ? [] : [median.toFixed(1)]))
  if (coldMs === null && medians.length === 0)
    return `has given no answer to ${requests} requests (${late} too late, ${errors} errors)`
  return `is not stable after ${requests} requests, ${late} of them too late: medians ${medians.join(', ')} ms`
}
