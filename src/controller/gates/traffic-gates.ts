/** The gates that compare answers to production traffic, as the examiner is asked. */
import type { GateManifest, ServiceManifest } from '../../config/manifest.ts'
import type { GateSpec, Likeness, PairRules } from '../../verification/gate.ts'
import { schemaOf } from './score-specs.ts'
import { redactOf } from './redact-rules.ts'

type Shadow = Extract<GateManifest, { shadow: unknown }>['shadow']
type Compatibility = Extract<GateManifest, { compatibility: unknown }>['compatibility']
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

/** @throws ProblemError `json-schema` naming the file */
export async function compatibilitySpec(
  service: ServiceManifest,
  gate: Compatibility,
  around: { directory: string; files: 'read' | 'left out' },
): Promise<GateSpec> {
  const { requests, schema, ignore, headers, within, timeout, concurrency } = gate
  return {
    kind: 'compatibility',
    protocol: service.protocol,
    requests,
    schema: schema === undefined ? null : await schemaOf(schema, around),
    ignore,
    headers,
    copy: service.requests.copy,
    redact: redactOf(service),
    timeoutS: timeout,
    concurrency,
    withinS: within,
  }
}

function likenessOf(by: NonNullable<Shadow['similarBy']>): Likeness {
  if ('embedding' in by) {
    const { timeout, ...rest } = by.embedding
    return { kind: 'embedding', ...rest, timeoutS: timeout }
  }
  const { timeout, ...rest } = by.judge
  return { kind: 'judge', ...rest, timeoutS: timeout }
}

function pairsOf(
  service: ServiceManifest,
  {
    noWorseBy,
    ignore,
    tolerance,
    similar,
    similarBy,
    slice,
    liveAgain,
    falseFailRisk,
    badPassRisk,
    timeout,
    concurrency,
  }: Shadow | Replay,
): PairRules {
  const { protocol } = service
  const byOther = similarBy !== undefined
  const likeness = similar ?? (protocol === 'openai' || byOther ? openaiSimilar : undefined)
  return {
    how: {
      protocol: protocol,
      ignore,
      tolerances: tolerance,
      text: likeness === undefined ? 'exact' : { similar: likeness },
    },
    likeness: similarBy === undefined ? null : likenessOf(similarBy),
    noWorseBy,
    slice: slice ?? null,
    risk: { fail: falseFailRisk, pass: badPassRisk },
    liveAgain,
    redact: redactOf(service),
    timeoutS: timeout,
    concurrency,
  }
}
