/** What each way of keeping the old version would cost, how soon it leads back, and what is risked until then. Pure. */
import type { PlanView } from '../../api/shapes.ts'
import { rungText } from '../../release/ladder.ts'
import type { Rung } from '../../release/release.ts'
import type { Price } from '../ledger/cost.ts'
import type { SharedPool } from '../pools.ts'

/** From the record of this service, medians, ms; null: never measured. */
export type Measured = {
  /** A switch or a rollback in one store. */
  moveMs: number | null
  /** From the first start to all replicas ready. */
  startMs: number | null
  /** Warm-up and identity, before a version may answer. */
  warmMs: number | null
  /** By rung: until a drill had the standby back at its full size. */
  drills: ReadonlyMap<string, number>
}

/** Where the ladder of the manifest is empty, policies are held against a day. */
const dayS = 86_400
const hourS = 3600

export function policiesOf({
  replicas,
  canSleep,
  shared,
  canSpot,
  onSpot,
  ladder,
  price,
  perSecond,
  measured,
}: {
  /** Of the standby: as many as are live. */
  replicas: number
  canSleep: boolean
  /** Null: it names no pool. */
  shared: Pick<SharedPool, 'price'> | null
  /** The version that is live knows how to be on spot capacity; the manifest says that a standby is. */
  canSpot: boolean
  onSpot: boolean
  ladder: readonly Rung[]
  price: Price | null
  perSecond: number
  measured: Measured
}): PlanView['policies'] {
  const forS = ladder.reduce((sum, rung) => sum + rung.forS, 0) || dayS
  const names = [
    'full',
    ...(replicas > 1 ? ['1 replica'] : []),
    ...(canSleep ? ['asleep'] : []),
    ...(shared === null ? [] : ['shared']),
    'gone',
  ]
  const rows = names.flatMap((rung) => [
    { rung, spot: false },
    ...(canSpot && (rung === 'full' || rung === '1 replica') ? [{ rung, spot: true }] : []),
  ])
  return rows.map(({ rung, spot }) => {
    const kept = rung === 'gone' || rung === 'shared' ? 0 : rung === '1 replica' ? 1 : replicas
    const awake = spot ? (price?.spotReplicaHour ?? price?.replicaHour) : price?.replicaHour
    const hour = rung === 'asleep' ? (price?.asleepHour ?? price?.replicaHour) : awake
    const replicaHours = (kept * forS) / hourS
    const place = rung === 'shared' ? shared?.price : undefined
    const placeHours = rung === 'shared' ? { placeHours: forS / hourS } : {}
    const { ms, from } = backFrom(rung, measured)
    const isOne = rung === '1 replica' || rung === 'shared'
    const atOnce = rung === 'full' ? 1 : isOne ? 1 / replicas : 0
    return {
      rung: spot ? `${rung}, spot` : rung,
      inManifest:
        ladder.some((one) => rungText(one) === rung) && (spot === onSpot || isAside(rung)),
      forS,
      replicaHours,
      ...placeHours,
      ...paidFor({ rung, place, forS }, hour === undefined ? null : replicaHours * hour, price),
      backMs: ms,
      backFrom: from,
      atOnce,
      requests: ms === null ? null : (perSecond * (1 - atOnce) * ms) / 1000,
      risk: spot ? `${risks[rung]!.replace(/^none: /, '')}; ${spotRisk}` : risks[rung]!,
    }
  })
}

/** A pool without a price costs what it costs, whoever is in it. */
function paidFor(
  { rung, place, forS }: { rung: string; place: SharedPool['price']; forS: number },
  money: number | null,
  price: Price | null,
): { money: number | null; currency: string | null } {
  if (rung !== 'shared') return { money, currency: price?.currency ?? null }
  if (place === undefined) return { money: null, currency: null }
  return { money: (place.placeHour * forS) / hourS, currency: place.currency }
}

/** Not moved to spot capacity. */
function isAside(rung: string): boolean {
  return rung !== 'full' && !rung.endsWith('replica')
}

const spotRisk =
  'it may be taken away at any time, and the way back is weakened until another is there; after a rollback on-demand replicas follow'

const risks: Record<string, string> = {
  full: 'none: it answers already',
  '1 replica': 'the others must start; what one cannot carry stays with the bad version until then',
  asleep: 'it must wake: all stays with the bad version until then',
  shared:
    'its own must start; what the pool cannot carry stays with the bad version until then, and all of it where others have its place',
  gone: 'it must start from nothing, and find room: all stays with the bad version until then',
}

function backFrom(
  rung: string,
  { moveMs, startMs, warmMs, drills }: Measured,
): { ms: number | null; from: PlanView['policies'][number]['backFrom'] } {
  const drilled = drills.get(rung)
  if (rung === 'full') return { ms: moveMs, from: moveMs === null ? 'unknown' : 'moves' }
  if (drilled !== undefined) return { ms: drilled, from: 'drills' }
  if (rung === 'asleep' || startMs === null) return { ms: null, from: 'unknown' }
  return { ms: startMs + (rung === 'gone' ? (warmMs ?? 0) : 0), from: 'starts' }
}
