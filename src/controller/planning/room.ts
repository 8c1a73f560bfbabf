/**
 * Do two whole environments fit? Said before anything is started; where they do not, what still protects stands in one order, each with
 * what is lost by it. Nobody picks one silently. Pure.
 */
import type { PlanView } from '../../api/shapes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { ReplicaSeen } from '../../providers/provider.ts'
import type { Release } from '../../release/release.ts'
import type { Seen } from '../../release/seen.ts'

export type Slots = { all: readonly number[]; holders: readonly ReplicaSeen[] }

type Asked = {
  service: string
  version: string
  replicas: number
  /** For each. */
  gpus: number
  /** Its release, while it is on the ladder: a deploy clears it first. */
  clears: string | null
  /** `--gpus`: as if there were so many. */
  atLeast?: number | null
}

/** Null where no GPU is asked for. */
export function roomFor(
  { all: found, holders }: Slots,
  { service, version, replicas, gpus, clears, atLeast = null }: Asked,
): PlanView['room'] {
  if (gpus === 0) return null
  const count = atLeast ?? found.length
  const held = holders.filter((one) => one.release !== clears || one.service !== service)
  const [awake, asleep] = [
    held.filter(({ state }) => state.name !== 'asleep'),
    held.filter(({ state }) => state.name === 'asleep'),
  ]
  const taken = slotsOf(awake)
  const lent = [...slotsOf(asleep)].filter((slot) => !taken.has(slot)).length
  const free = Math.max(0, count - taken.size - lent)
  const needed = replicas * gpus
  const smaller = Math.min(replicas - 1, Math.floor((free + lent) / gpus))
  const fits = needed <= free + lent
  return {
    needed,
    free,
    /** What sleepers would lend. */
    lent: Math.max(0, Math.min(lent, needed - free)),
    of: count,
    fits,
    holders: held
      .filter((one) => one.gpus.length > 0)
      .map(
        (one) =>
          `${one.release} of ${one.service}: ${one.gpus.join(', ')}${one.state.name === 'asleep' ? ' (asleep)' : ''}`,
      ),
    offers: fits ? [] : offersFor({ service, version, replicas, smaller }),
  }
}

function offersFor({
  service,
  version,
  replicas,
  smaller,
}: Pick<Asked, 'service' | 'version' | 'replicas'> & { smaller: number }): NonNullable<
  PlanView['room']
>['offers'] {
  return [
    {
      what: 'a smaller candidate, tested by golden sets and replay, and never switched',
      how: smaller > 0 ? `beryl verify ${service} ${version} --replicas ${smaller}` : null,
      lost: `load and capacity are tested on ${Math.max(smaller, 0)} of ${replicas} replicas, so "big enough" is not shown; going live needs room all the same`,
    },
    {
      what: 'replica by replica',
      how: null,
      lost: 'no whole environment stands beside the other: clients meet both versions, and the way back starts replicas again',
    },
    {
      what: 'swap, with the old version asleep',
      how: null,
      lost: 'nobody answers while they change places, and the watch has no control group',
    },
  ]
}

export function noRoomText({
  needed,
  free,
  lent,
  of,
  holders,
}: NonNullable<PlanView['room']>): string {
  const asleep = lent === 0 ? '' : `, ${lent} more are lent by what sleeps`
  const who = holders.length === 0 ? '' : ` (${holders.join('; ')})`
  return `a second environment needs ${needed} GPU slots, ${free} of ${of} are free${asleep}${who}`
}

/** In the stated order; what Beryl does not do yet is said so. */
export function offersText({ offers }: NonNullable<PlanView['room']>): string[] {
  return offers.map(
    ({ what, how, lost }, index) =>
      `${index + 1}. ${what}${how === null ? ' (not offered here)' : `: ${how}`}; lost: ${lost}`,
  )
}

function slotsOf(some: readonly ReplicaSeen[]): Set<number> {
  return new Set(some.flatMap(({ gpus }) => gpus))
}

/** Whom a rollback now would end: they are on the GPU slots of its standby. */
export function evictsOf(seen: Seen | null): readonly string[] {
  const tenants = (seen?.replicas ?? []).flatMap(({ lentTo = [] }) => lentTo)
  return [...new Set(tenants.map(({ service, release }) => `${release} of ${service}`))]
}

/** A candidate may be smaller than live only where it is never switched to (promise 5). @throws ProblemError `wrong-body` */
export function checkSize(
  service: string,
  most: number,
  { kind, replicas }: { kind: Release['kind']; replicas: number | null },
): void {
  if (replicas === null || (kind === 'verify' && replicas <= most)) return
  throw new ProblemError({
    status: 400,
    code: 'wrong-body',
    title:
      kind === 'verify'
        ? `replicas is ${replicas}, and ${service} has ${most}: expected fewer`
        : 'replicas goes with verify only: what goes live is as large as what is live',
  })
}
