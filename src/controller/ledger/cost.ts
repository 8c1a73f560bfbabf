/** Replica-hours and money, from what was really up: the provider's journal, times the price each release began with. Pure. */
import { piecesOf } from './role-times.ts'
import type { Gap, Move, Piece, RungSpan, Up } from './role-times.ts'
import { rungLines } from './rung-times.ts'
import type { RungLine } from './rung-times.ts'

/** `asleepHour`: of one that sleeps, `spotReplicaHour`: of one on spot capacity; absent: they cost as much. */
export type Price = {
  replicaHour: number
  asleepHour?: number | undefined
  spotReplicaHour?: number | undefined
  currency: string
}
/** `placeHours`: in pools; absent: none. */
export type Cost = {
  replicaHours: number
  placeHours?: number
  money: number | null
  currency: string | null
}

/** What blue-green added. `over`: hours that a single environment would have used meanwhile; `share`: of them, null when there are none. */
export type Added = Cost & { over: number; share: number | null }
export type Role = 'live' | 'candidate' | 'standby'

export type Line = Cost & {
  release: string
  version: string
  environment: 'blue' | 'green'
  role: Role
  /** Of a model in a pool. */
  pool?: string
  /** On capacity that may be taken away. */
  spot: boolean
}

export type Costs = {
  lines: Line[]
  /** By release: what its own replicas cost, in which role, and what it added, the old version's standby included. */
  releases: Map<string, { version: string; own: Cost; hours: Record<Role, number>; added: Added }>
  /** What each rung kept of a standby, and saved. */
  rungs: RungLine[]
  total: Cost
  /** Of it, on spot capacity; `saved`: what that would have cost beyond it on demand, null where there is no price. */
  spot: Cost & { saved: number | null }
  added: Added
  /** Hours of releases without a price: there is no money for them in any sum. */
  unpriced: number
  /** Beryl was not there, and these replicas were not found again: counted nowhere. */
  gaps: { from: number; to: number; replicas: number; replicaHours: number }[]
}

const hourMs = 3_600_000

/** @param within wall times, ms: replicas that still run are counted up to `to` */
export function costOf(
  records: readonly Up[],
  {
    priceOf,
    moves,
    gaps,
    rungs = [],
    standbyOf = () => null,
  }: {
    priceOf: (release: string) => Price | null
    moves: readonly Move[]
    gaps: readonly Gap[]
    rungs?: readonly RungSpan[]
    standbyOf?: (release: string) => { release: string; replicas: number } | null
  },
  within: { from: number; to: number },
): Costs {
  // Lines come in the order in which things began.
  const inOrder = records.toSorted((a, b) => a.startedAt - b.startedAt)
  const pieces = piecesOf(inOrder, { moves, gaps }, within)
  const known = pieces.filter(({ role }) => role !== 'unknown')
  const prices = new Map<string, Price | null>()
  const priced = (release: string) => {
    if (!prices.has(release)) prices.set(release, priceOf(release))
    return prices.get(release) ?? null
  }
  const sum = (some: readonly Piece[]) => sumOf(some, priced)
  const add = (some: readonly Piece[]) => addedOf(some, known, priced)
  const byLine = Map.groupBy(known, ({ record: { spec, spot = false }, role }) =>
    [spec.release, spec.environment, role, spec.pool, spot].join(' '),
  )
  const addedBy = Map.groupBy(known, (piece) => piece.addedBy)
  const byRelease = Map.groupBy(pieces, ({ record }) => record.spec.release)
  return {
    lines: [...byLine.values()].map((some) => {
      const { spec, spot = false } = some[0]!.record
      const { release, version, environment, pool } = spec
      const where = { spot, ...(pool === undefined ? {} : { pool }) }
      return { release, version, environment, role: some[0]!.role as Role, ...where, ...sum(some) }
    }),
    releases: new Map(
      [...byRelease].map(([release, all]) => {
        const own = all.filter(({ role }) => role !== 'unknown')
        const hours = (role: Role) => hoursOf(own.filter((piece) => piece.role === role))
        return [
          release,
          {
            version: all[0]!.record.spec.version,
            own: sum(own),
            hours: {
              live: hours('live'),
              candidate: hours('candidate'),
              standby: hours('standby'),
            },
            added: add(addedBy.get(release) ?? []),
          },
        ]
      }),
    ),
    rungs: rungLines(rungs, { pieces: known, standbyOf, priced, sum, within }),
    total: sum(known),
    spot: onSpot(known, priced),
    added: {
      ...sum(known.filter((piece) => piece.addedBy !== null)),
      ...overOf(
        hoursOf(known.filter((piece) => piece.addedBy !== null)),
        hoursOf(addedBy.get(null) ?? []),
      ),
    },
    unpriced: hoursOf(known.filter(({ record }) => priced(record.spec.release) === null)),
    gaps: [...Map.groupBy(pieces, ({ gap }) => gap)].flatMap(([gap, some]) =>
      gap === null
        ? []
        : [
            {
              from: gap.from,
              to: gap.to,
              replicas: new Set(
                some.flatMap(({ record: { spec } }) => (spec.pool === undefined ? [spec.id] : [])),
              ).size,
              replicaHours: hoursOf(some),
            },
          ],
    ),
  }
}

/** Money in two currencies has no sum. */
function sumOf(pieces: readonly Piece[], priced: (release: string) => Price | null): Cost {
  let money: number | null = null
  const currencies = new Set<string>()
  for (const piece of pieces) {
    const { release, price: place } = piece.record.spec
    if (place !== undefined) {
      money = (money ?? 0) + placeHoursOf([piece]) * place.placeHour
      currencies.add(place.currency)
      continue
    }
    const price = priced(release)
    if (price === null) continue
    money = (money ?? 0) + hoursOf([piece]) * hourOf(piece, price)
    currencies.add(price.currency)
  }
  const placeHours = placeHoursOf(pieces)
  const hours = { replicaHours: hoursOf(pieces), ...(placeHours === 0 ? {} : { placeHours }) }
  if (currencies.size !== 1) return { ...hours, money: null, currency: null }
  return { ...hours, money, currency: [...currencies][0]! }
}

/** What sleeps on spot capacity is not dearer than what is awake there. */
function hourOf(
  { is, record: { spot = false } }: Pick<Piece, 'is' | 'record'>,
  price: Price,
): number {
  const { replicaHour, asleepHour = replicaHour, spotReplicaHour = replicaHour } = price
  const awake = spot ? spotReplicaHour : replicaHour
  if (is !== 'asleep') return awake
  return spot ? Math.min(asleepHour, awake) : asleepHour
}

function onSpot(known: readonly Piece[], priced: (release: string) => Price | null): Costs['spot'] {
  const some = known.filter(({ record }) => record.spot === true)
  const sum = sumOf(some, priced)
  const onDemand = some.map((piece) => ({ ...piece, record: { ...piece.record, spot: false } }))
  const { money } = sumOf(onDemand, priced)
  return { ...sum, saved: money === null || sum.money === null ? null : money - sum.money }
}

/** Held against what was not added from the first to the last of it. */
function addedOf(
  some: readonly Piece[],
  known: readonly Piece[],
  priced: (release: string) => Price | null,
): Added {
  const from = Math.min(...some.map((piece) => piece.from))
  const to = Math.max(...some.map((piece) => piece.to))
  const meanwhile = known
    .filter((piece) => piece.addedBy === null && piece.from < to && piece.to > from)
    .map((piece) => ({
      ...piece,
      from: Math.max(piece.from, from),
      to: Math.min(piece.to, to),
    }))
  const sum = sumOf(some, priced)
  return { ...sum, ...overOf(sum.replicaHours, hoursOf(meanwhile)) }
}

function overOf(added: number, over: number): Pick<Added, 'over' | 'share'> {
  return { over, share: over === 0 ? null : added / over }
}

function hoursOf(pieces: readonly Piece[]): number {
  return lengthOf(
    // What is lent is reserved by who is on it, and what was taken away by nobody.
    pieces.filter(
      ({ is, record }) => is !== 'lent' && is !== 'away' && record.spec.pool === undefined,
    ),
  )
}

/** In a pool: of a place that it had, whether it was loaded yet or being loaded. */
function placeHoursOf(pieces: readonly Piece[]): number {
  return lengthOf(
    pieces.filter(({ is, record }) => is === 'awake' && record.spec.pool !== undefined),
  )
}

function lengthOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { from, to }) => sum + to - from, 0) / hourMs
}
