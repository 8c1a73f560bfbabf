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
import type { GateSpec, Target } from '../gate.ts'
import { inputsOf, toldOf } from '../inputs/inputs.ts'
import type { Inputs, InputsAround } from '../inputs/inputs.ts'
import { openTokenCount, withTokens } from '../token-count.ts'
import { heatUp } from './heat.ts'
import type { Heat } from './heat.ts'
import { windowsAlike, windowSize } from './stable.ts'
import { windowsOf } from './windows.ts'

export type WarmUpSpec = GateSpec & { kind: 'warmUp' }

/** @throws Error where the golden set cannot be read: nothing is decided then */
export async function warmUp(
  spec: WarmUpSpec,
  candidate: Target,
  around: Pick<InputsAround, 'service' | 'captures'>,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const asked = await inputsOf(spec, { ...around, purpose: 'warm-up', signal })
  const inputs = windowsOf(asked.inputs, windowSize)
  // One broken replica ends it for all.
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const tokens = spec.protocol === 'openai' ? openTokenCount() : null
  const asker = askerOf({
    tokens,
    timeoutS: asked.timeoutS,
    connections: spec.concurrency,
    signal: both,
    targets: [candidate],
  })
  const requests = new Map<string, number>()
  try {
    const heats = await Promise.all(
      candidate.addresses.map(async (address) => {
        const found = await heatUp(asker, address, {
          protocol: spec.protocol,
          inputs,
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
    const isGuess = asked.from === 'request' && spec.request === null
    return withTokens(verdictOf(candidate, { asked, heats, isGuess }, signal), { tokens })
  } finally {
    asker.close()
  }
}

function verdictOf(
  { version }: Target,
  { asked, heats, isGuess }: { asked: Inputs; heats: readonly Heat[]; isGuess: boolean },
  signal: AbortSignal,
): Verdict {
  const evidence = { windowSize, windowsAlike, asked: toldOf(asked), replicas: heats }
  const broken = heats.find(({ outcome }) => outcome === 'broken')
  if (broken !== undefined) return failed(broken, isGuess, evidence)
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
    because: `${version} is warm after ${requests} requests: first answer ${cold.toFixed(1)} ms, now ${warm.toFixed(1)} ms (median)${long(asked, heats)}${firstToken(heats)}`,
    evidence,
  }
}

/** The slowest replica's, where requests are of more than one size. */
function long({ inputs }: Inputs, heats: readonly Heat[]): string {
  const sizes = inputs.map(({ size }) => size)
  const known = heats.flatMap(({ longMs }) => longMs ?? [])
  if (known.length === 0 || Math.max(...sizes) === Math.min(...sizes)) return ''
  const most = (key: 'first' | 'last') => Math.max(...known.map((one) => one[key])).toFixed(1)
  return `; the longest requests ${most('first')} ms at first, now ${most('last')} ms`
}

/** The slowest replica's, where answers are streamed. */
function firstToken(heats: readonly Heat[]): string {
  const known = heats.flatMap(({ firstTokenMs }) => firstTokenMs ?? [])
  return known.length === 0 ? '' : `, the first token after ${Math.max(...known).toFixed(1)} ms`
}

function failed(
  { address, errors, requests, why }: Heat,
  isGuess: boolean,
  evidence: Record<string, unknown>,
): Verdict {
  const text = `${address} fails while it warms up: ${errors} of ${requests} requests (${why})`
  if (isGuess && why?.startsWith('status 4') === true)
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
