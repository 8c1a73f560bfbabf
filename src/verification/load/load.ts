/**
 * The load gate: does the candidate answer in time at this rate, and how much more does it carry? Latency counts from when a
 * request was due. What the examiner itself could not send in time says nothing about the candidate, and is undecided.
 */
import type { Verdict } from '../../release/release.ts'
import { askerOf } from '../ask.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, Target } from '../gate.ts'
import { inputsOf, toldOf } from '../inputs/inputs.ts'
import type { Inputs, InputsAround } from '../inputs/inputs.ts'
import { openTokenCount, withTokens } from '../token-count.ts'
import { climb } from './climb.ts'
import type { Capacity } from './climb.ts'
import { missedBy, rate, told } from './figures.ts'
import type { Figures } from './figures.ts'
import { hold, unansweredMax } from './hold.ts'

export type LoadSpec = GateSpec & { kind: 'load' }

/** Of fewer answers nobody knows the slowest twentieth. */
const requestsMin = 20
/** An examiner that sends later than this is no client: in milliseconds, and as a share of the limit. */
const lagMax = { ms: 20, share: 0.1 }

/** @throws Error where the golden set cannot be read, or so much not be sent: nothing is decided then */
export async function load(
  spec: LoadSpec,
  candidate: Target,
  around: Pick<InputsAround, 'service' | 'captures'>,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const perSecond = rateOf(spec)
  if (perSecond === null)
    return undecided(
      'no traffic of the last 24 hours was measured, so there is no peak to take: give a rate such as 50/s',
    )
  if (perSecond * spec.forS < requestsMin)
    return undecided(
      `${rate(perSecond)} for ${spec.forS} s are fewer than ${requestsMin} requests: too few to tell, make it longer`,
    )
  const asked = await inputsOf(spec, { ...around, purpose: 'load', signal })
  const tokens = spec.protocol === 'openai' ? openTokenCount() : null
  const counted = (verdict: Verdict) => withTokens(verdict, { tokens })
  const asker = askerOf({
    tokens,
    timeoutS: asked.timeoutS,
    connections: unansweredMax,
    signal,
    targets: [candidate],
  })
  const holding = {
    asker,
    target: candidate,
    protocol: spec.protocol,
    inputs: asked.inputs,
    limits: spec,
    signal,
    progress,
  }
  const climbed: Figures[] = []
  try {
    const held = await hold(holding, { perSecond, seconds: spec.forS })
    const missed = missedBy(held, spec)
    if (missed !== null || spec.ramp === null)
      return counted(verdictOf(spec, candidate, { asked, held, missed, capacity: null, climbed }))
    const { toPerSecond, stepS } = spec.ramp
    const capacity = await climb({ from: perSecond, to: toPerSecond }, async (next) => {
      const figures = await hold(holding, { perSecond: next, seconds: stepS })
      climbed.push(figures)
      if (missedBy(figures, spec) === null) return true
      return isOwnFault(figures, spec) ? null : false
    })
    return counted(verdictOf(spec, candidate, { asked, held, missed, capacity, climbed }))
  } finally {
    asker.close()
  }
}

function rateOf({ rate: asked }: LoadSpec): number | null {
  if ('perSecond' in asked) return asked.perSecond
  return asked.peak === null || asked.peak <= 0 ? null : asked.ofPeak * asked.peak
}

function verdictOf(
  spec: LoadSpec,
  { version, addresses }: Target,
  {
    asked,
    held,
    missed,
    capacity,
    climbed,
  }: {
    asked: Inputs
    held: Figures
    missed: string | null
    capacity: Capacity | null
    climbed: Figures[]
  },
): Verdict {
  // What held at its rate is known even where the way up was not taken.
  const carries =
    missed === null ? (capacity ?? { perSecond: held.perSecond, notPerSecond: null }) : null
  const evidence = {
    asked: toldOf(asked),
    held,
    climbed,
    // The heart reads these three: a switch waits while more is to come (release/big-enough.ts).
    capacity: carries,
    replicas: addresses.length,
    thresholds: {
      p95Ms: spec.p95Ms,
      firstTokenMs: spec.firstTokenMs,
      errors: spec.errors,
      rate: spec.rate,
    },
  }
  const text = `${version} ${told(held)}`
  if (missed !== null && isOwnFault(held, spec))
    return undecided(
      `${text}; the examiner itself sent up to ${Math.round(held.lagP95Ms)} ms late (95 %), so this says nothing: this machine is too busy for the rate`,
      evidence,
    )
  if (missed !== null) return { verdict: 'fail', because: `${text}; ${missed}`, evidence }
  return {
    verdict: 'pass',
    because: `${text}${capacity === null ? '' : `; it carries ${carried(capacity)}`}`,
    evidence,
  }
}

/**
 * Sent late, requests wait before they are sent and come in bunches: a miss that is no larger than twice that may be the
 * examiner's. Errors, and answers that never came, are not.
 */
function isOwnFault(
  { lagP95Ms, p95Ms, firstTokenP95Ms, errors, sent }: Figures,
  limits: LoadSpec,
): boolean {
  if (lagP95Ms <= Math.max(lagMax.ms, lagMax.share * limits.p95Ms)) return false
  if (p95Ms === null || errors > limits.errors * sent) return false
  const spared = 2 * lagP95Ms
  const firstToken = limits.firstTokenMs === null ? 0 : (firstTokenP95Ms ?? Infinity)
  return p95Ms <= limits.p95Ms + spared && firstToken <= (limits.firstTokenMs ?? 0) + spared
}

function carried({ perSecond, notPerSecond }: Capacity): string {
  return notPerSecond === null
    ? `at least ${rate(perSecond)}`
    : `${rate(perSecond)}, and not ${rate(notPerSecond)}`
}
