/**
 * Do two whole environments fit? Said before anything is started; where they do not, what still protects stands in one order, each with
 * what is lost by it. Nobody picks one silently. Pure.
 */
import type { PlanView } from '../../api/shapes.ts'
import { gibibytes } from '../../ipc/gibibytes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Program, ReplicaSeen } from '../../providers/provider.ts'
import type { Release } from '../../release/release.ts'
import type { Seen } from '../../release/seen.ts'
import type { Plan } from '../plan.ts'

/** `memory`: bytes. `replicas`: a quota, null: none. */
export type Machine = {
  slots: readonly number[]
  memory: number
  replicas: number | null
  holders: readonly ReplicaSeen[]
}

type Asked = {
  service: string
  version: string
  replicas: number
  /** What each of them takes; on spot capacity and on demand, where it is tested on the one and lives on the other: both. */
  each: readonly Pick<Program, 'gpus' | 'memory'>[]
  /** Its release, while it is on the ladder: a deploy clears it first. */
  clears: string | null
  /** `--gpus`: as if there were so many. */
  atLeast?: number | null
}

type Room = NonNullable<PlanView['room']>
type Limit = Room['limits'][number]

/** What a release has to have beside what is live. `verify` never gets on-demand replicas for a candidate on spot capacity. */
export function eachOf({ template, rules }: Plan, kind: Release['kind']): Asked['each'] {
  if (template.provider === 'external') return []
  const { gpus, memory = 0, onSpot } = template
  if (onSpot === undefined || rules.spot?.candidate !== true || kind === 'rollback')
    return [{ gpus, memory }]
  const { gpus: there, memory: bytes = 0 } = onSpot
  const onDemand = kind === 'verify' ? [] : [{ gpus, memory }]
  return [{ gpus: there, memory: bytes }, ...onDemand]
}

/** Null where nothing that is limited is asked for. */
export function roomFor(machine: Machine, asked: Asked): PlanView['room'] {
  const { service, version, replicas, each, clears } = asked
  const held = machine.holders.filter((one) => one.release !== clears || one.service !== service)
  const limits = [
    slotsIn(machine, held, asked),
    memoryIn(machine, held, asked),
    quotaIn(machine, held, asked),
  ]
  const found = limits.filter((one) => one !== null)
  if (each.length === 0 || found.length === 0) return null
  const fits = found.every((one) => one.needed <= one.free + one.lent)
  const possible = found.map(({ needed, free, lent }) =>
    Math.floor(((free + lent) * replicas) / needed),
  )
  const smaller = Math.min(replicas - 1, ...possible)
  return {
    fits,
    limits: found.map((one) => ({
      ...one,
      lent: Math.max(0, Math.min(one.lent, one.needed - one.free)),
    })),
    holders: holdersOf(held, found),
    offers: fits ? [] : offersFor({ service, version, replicas, smaller }),
  }
}

function slotsIn({ slots }: Machine, held: readonly ReplicaSeen[], asked: Asked): Limit | null {
  const needed = asked.replicas * sum(asked.each.map(({ gpus }) => gpus))
  if (needed === 0) return null
  const of = asked.atLeast ?? slots.length
  const taken = slotsOf(held.filter(({ state }) => state.name !== 'asleep'))
  const asleep = slotsOf(held.filter(({ state }) => state.name === 'asleep'))
  // What sleepers would lend.
  const lent = [...asleep].filter((slot) => !taken.has(slot)).length
  return { what: 'GPU slots', needed, free: Math.max(0, of - taken.size - lent), lent, of }
}

/** Who sleeps is in memory all the same. */
function memoryIn(
  { memory: of }: Machine,
  held: readonly ReplicaSeen[],
  asked: Asked,
): Limit | null {
  const needed = asked.replicas * sum(asked.each.map(({ memory = 0 }) => memory))
  if (needed === 0) return null
  const free = Math.max(0, of - sum(held.map(({ memory = 0 }) => memory)))
  return { what: 'memory', needed, free, lent: 0, of }
}

function quotaIn(
  { replicas: of }: Machine,
  held: readonly ReplicaSeen[],
  asked: Asked,
): Limit | null {
  if (of === null || asked.each.length === 0) return null
  const needed = asked.replicas * asked.each.length
  return { what: 'replicas', needed, free: Math.max(0, of - held.length), lent: 0, of }
}

function holdersOf(held: readonly ReplicaSeen[], limits: readonly Limit[]): string[] {
  if (limits.every(({ what }) => what === 'GPU slots'))
    return held
      .filter((one) => one.gpus.length > 0)
      .map(
        (one) =>
          `${one.release} of ${one.service}: ${one.gpus.join(', ')}${one.state.name === 'asleep' ? ' (asleep)' : ''}`,
      )
  const byRelease = Map.groupBy(held, ({ release, service }) => `${release} of ${service}`)
  return [...byRelease].map(([who, some]) => {
    const slots = [...slotsOf(some)]
    const bytes = sum(some.map(({ memory = 0 }) => memory))
    const parts = [
      `${some.length} ${some.length === 1 ? 'replica' : 'replicas'}`,
      ...(slots.length === 0 ? [] : [`GPU slots ${slots.join(', ')}`]),
      ...(bytes === 0 ? [] : [gibibytes(bytes)]),
    ]
    return `${who}: ${parts.join(', ')}`
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}

function limitTexts(limits: readonly Limit[]): string[] {
  return limits.map(({ what, needed, free, lent, of }) => {
    const amount = (value: number) => (what === 'memory' ? gibibytes(value) : String(value))
    const asleep = lent === 0 ? '' : `, ${lent} more are lent by what sleeps`
    const unit = what === 'memory' ? 'of memory' : what
    return `${amount(needed)} ${unit}, ${amount(free)} of ${amount(of)} are free${asleep}`
  })
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

export function noRoomText(room: Room): string {
  const { holders } = room
  const short = room.limits.filter(({ needed, free, lent }) => needed > free + lent)
  const who = holders.length === 0 ? '' : ` (${holders.join('; ')})`
  return `a second environment needs ${limitTexts(short).join('; and ')}${who}`
}

/** A deploy that would start nothing but trouble. */
export function noRoom(room: Room, service: string, version: string): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'no-room',
    title: `${noRoomText(room)}: nothing was started. What still protects:\n${offersText(room).join('\n')}`,
    hint: `beryl plan ${service} ${version}`,
  })
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
