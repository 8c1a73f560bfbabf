/** The gates that compare answers to production traffic, as the examiner is asked. */
import type { GateManifest, ServiceManifest } from '../config/manifest.ts'
import type { GateSpec, PairRules } from '../verification/gate.ts'
import { redactOf } from './redact-rules.ts'

type Shadow = Extract<GateManifest, { shadow: unknown }>['shadow']
type Replay = Extract<GateManifest, { replay: unknown }>['replay']

/** Sampled answers say the same in other words. */
const openaiSimilar = 0.95

export function shadowSpec(service: ServiceManifest, gate: Shadow): GateSpec {
  const { share, atLeast, within } = gate
  return { kind: 'shadow', ...pairsOf(service, gate), share, atLeast, withinS: within }
}

export function replaySpec(service: ServiceManifest, gate: Replay): GateSpec {
  const { requests, speed, headers, within } = gate
  return {
    kind: 'replay',
    ...pairsOf(service, gate),
    requests,
    speed: { asRecorded: 1, x2: 2, fast: null }[speed],
    headers,
    copy: service.requests.copy,
    withinS: within,
  }
}

function pairsOf(
  service: ServiceManifest,
  {
    noWorseBy,
    ignore,
    tolerance,
    similar,
    slice,
    liveAgain,
    timeout,
    concurrency,
  }: Shadow | Replay,
): PairRules {
  const { protocol } = service
  const likeness = similar ?? (protocol === 'openai' ? openaiSimilar : undefined)
  return {
    how: {
      // Gates ask in HTTP/1.1: `validate` refuses them with gRPC.
      protocol: protocol === 'grpc' ? 'http' : protocol,
      ignore,
      tolerances: tolerance,
      text: likeness === undefined ? 'exact' : { similar: likeness },
    },
    noWorseBy,
    slice: slice ?? null,
    liveAgain,
    redact: redactOf(service),
    timeoutS: timeout,
    concurrency,
  }
}
