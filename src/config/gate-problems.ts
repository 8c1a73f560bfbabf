/** Gates that cannot work as they are written: limits that say nothing, programs that are not there, an order that is none. */
import { resolve } from 'node:path'
import type { CrossProblem } from './cross-problem.ts'
import { gatesOf } from './gates.ts'
import type { GateManifest, ServiceManifest } from './manifest.ts'
import { notThere } from './not-there.ts'

/** More is no test but an attack on the disk of the examiner. */
const requestsMax = 1_000_000
const requestsMin = 20

type Problem = [key: string | null, message: string]
type Load = Extract<GateManifest, { load: unknown }>['load']

export async function gateProblems(
  at: string[],
  service: ServiceManifest,
  directory: string,
): Promise<CrossProblem[]> {
  const found = gatesOf(service).map(async ({ path, gate }) => {
    const here = [...at, ...path]
    const told = (problems: readonly Problem[]) =>
      problems.map(([key, message]) => ({ path: key === null ? here : [...here, key], message }))
    if ('prometheus' in gate) return told(wrongWithLimits(gate.prometheus))
    if (('replay' in gate || 'compatibility' in gate) && service.capture === undefined)
      return told([[null, 'nothing is recorded to be replayed: give the service a `capture`']])
    if ('identity' in gate) return told(wrongWithIdentity(gate.identity, service))
    if ('warmUp' in gate) return told(wrongWithSource(gate.warmUp, service))
    if ('load' in gate)
      return told([...wrongWithSource(gate.load, service), ...wrongWithLoad(gate.load, service)])
    if ('compatibility' in gate && gate.compatibility.schema !== undefined)
      return notThere([...here, 'schema'], resolve(directory, gate.compatibility.schema), 'file')
    const program = 'command' in gate ? gate.command.run[0] : ''
    // A name without a slash is looked for in PATH, when it runs.
    if (!program.includes('/')) return []
    return notThere([...here, 'run', 0], resolve(directory, program), 'file')
  })
  return [
    ...identityFirst(at, service),
    ...tooOldAtOnce(at, service),
    ...(await Promise.all(found)).flat(),
  ]
}

/** Else the gates could be taken again and again for ever, each because another took so long. */
function tooOldAtOnce(at: string[], service: ServiceManifest): CrossProblem[] {
  const togetherS = service.verify
    .flatMap((gate) => Object.values(gate) as { within: number }[])
    .reduce((sum, { within }) => sum + within, 0)
  if (service.switch.evidenceFor >= togetherS) return []
  return [
    {
      path: [...at, 'switch', 'evidenceFor'],
      message: `is shorter than the gates may take together (${togetherS}s, the sum of their \`within\`): what the first found would be too old once the last has ended`,
    },
  ]
}

/** What it is is asked before anything else. */
function identityFirst(at: string[], service: ServiceManifest): CrossProblem[] {
  return gatesOf(service)
    .filter(
      ({ gate }, index, all) =>
        'identity' in gate && !all.slice(0, index).every((one) => 'identity' in one.gate),
    )
    .map(({ path }) => ({
      path: [...at, ...path],
      message: 'is asked before anything else: put it first',
    }))
}

function wrongWithLimits({
  atMost,
  atLeast,
  noWorseBy,
  within,
  for: held,
}: Extract<GateManifest, { prometheus: unknown }>['prometheus']): Problem[] {
  const none = [atMost, atLeast, noWorseBy].every((one) => one === undefined)
  const both = atMost !== undefined && atLeast !== undefined
  return [
    ...one(none, null, 'needs atMost, atLeast or noWorseBy: else it judges nothing'),
    ...one(
      both && noWorseBy !== undefined,
      'noWorseBy',
      'with atMost and atLeast nobody knows what is worse: leave one of them out',
    ),
    ...one(both && atMost < atLeast, 'atMost', 'is less than atLeast'),
    ...one(
      held >= within,
      'for',
      'must be shorter than within: it cannot hold so long in that time',
    ),
  ]
}

/** Where to ask is said, or the protocol says it. */
function wrongWithIdentity(
  { path, model }: Extract<GateManifest, { identity: unknown }>['identity'],
  { protocol }: ServiceManifest,
): Problem[] {
  const isKserve = protocol === 'kserve-v2' || protocol === 'grpc'
  return [
    ...one(
      path === undefined && !isKserve && protocol !== 'openai',
      null,
      'needs a path: only `protocol: openai`, `kserve-v2` and `grpc` have one of their own',
    ),
    ...one(
      path !== undefined && protocol === 'grpc',
      'path',
      'is asked for with GET, which gRPC does not know: give `model`, whose metadata are asked for',
    ),
    ...one(
      path === undefined && isKserve && model === undefined,
      null,
      'needs the name of the model whose metadata is asked for: add `model`, or a path',
    ),
    ...one(
      model !== undefined && (!isKserve || path !== undefined),
      'model',
      'goes with `protocol: kserve-v2` or `grpc`, and without a path: leave it out',
    ),
  ]
}

/** Whose requests: what is asked for must be there, and `request` is not what recorded ones go by. */
function wrongWithSource(
  { from, request, headers }: Pick<Load, 'from' | 'request' | 'headers'>,
  service: ServiceManifest,
): Problem[] {
  const isCaptured = from === 'captures'
  return [
    ...one(
      isCaptured && service.capture === undefined,
      'from',
      'nothing is recorded: give the service a `capture`',
    ),
    ...one(
      isCaptured && request !== undefined,
      'request',
      'recorded requests say by themselves where they go: leave it out',
    ),
    ...one(
      from === 'goldenSet' && !service.verify.some((gate) => 'goldenSet' in gate),
      'from',
      'there is no golden set: add one, or leave it out',
    ),
    ...one(
      Object.keys(headers).length > 0 &&
        (service.capture === undefined || from === 'goldenSet' || request !== undefined),
      'headers',
      'are of recorded requests, and none are sent here: put them into `request`',
    ),
  ]
}

function wrongWithLoad(
  { rate, of, for: held, ramp, from, request, firstToken, within }: Load,
  service: ServiceManifest,
): Problem[] {
  const isShare = 'ofPeak' in rate
  const golden = service.verify.flatMap((gate) => ('goldenSet' in gate ? gate.goldenSet : []))[0]
  const sentTo = request ?? golden?.request
  const perSecond = isShare ? null : rate.perSecond
  return [
    ...one(
      isShare && of === undefined,
      'rate',
      'a share of what? add `of: peak`, or give a rate such as 50/s',
    ),
    ...one(
      !isShare && of !== undefined,
      'of',
      'goes with a share, as in `rate: 120%`: leave it out',
    ),
    ...one(
      sentTo === undefined && from !== 'captures',
      null,
      'nothing says what to send: give it a request, add a golden set, or say `from: captures`',
    ),
    ...one(
      service.protocol === 'openai' && sentTo !== undefined && golden === undefined,
      null,
      'needs a golden set for the bodies that are sent',
    ),
    ...one(
      firstToken !== undefined && service.protocol !== 'openai',
      'firstToken',
      'is of streams as the API of OpenAI has them: it needs `protocol: openai`',
    ),
    ...one(
      held >= within,
      'for',
      'must be shorter than within: it cannot be held so long in that time',
    ),
    ...one(
      perSecond !== null && perSecond * held < requestsMin,
      'for',
      `gives fewer than ${requestsMin} requests at this rate: too few to tell`,
    ),
    ...one(
      Math.max(perSecond ?? 0, ramp?.to ?? 0) * Math.max(held, ramp?.step ?? 0) > requestsMax,
      'for',
      `gives more than ${requestsMax} requests at this rate`,
    ),
    ...one(
      perSecond !== null && ramp !== undefined && ramp.to <= perSecond,
      'ramp',
      'must go above rate',
    ),
  ]
}

function one(is: boolean, key: string | null, message: string): Problem[] {
  return is ? [[key, message]] : []
}
