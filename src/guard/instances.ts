/**
 * One instance or the version? Each replica of the new version is compared with its siblings in matched blocks: its newest
 * answer with the newest of theirs, so that nothing depends on how requests are spread. One that is worse than its siblings,
 * while the version without it is not refuted, is to be restarted; what it said is set aside.
 */
import { beginWealth, bet, wealthOf } from '../statistics/engine.ts'
import type { Wealth } from '../statistics/engine.ts'
import { blockFactors } from '../statistics/matched-blocks.ts'
import { oddsRatios } from '../statistics/mixture.ts'
import type { Tally } from './bets.ts'
import { instancesMax } from './book.ts'

/** JSON. */
export type Instances = {
  /** Of the new version, in the order in which they were met. */
  known: Instance[]
  aside: string[]
  /** All answers of the version: they only tune the bets. */
  bad: Tally
  slow: Tally
  /** Running median of its times, on the log scale. */
  logMedianMs: number | null
}

type Instance = {
  name: string
  total: number
  bad: number
  errors: Wealth
  times: Wealth
  own: Mark | null
  sibling: Mark | null
}

type Mark = { bad: boolean; slow: boolean | null }

/** More broken replicas than these are the version's own problem. */
const asideMax = 3
/** So much slower than its siblings may be a machine's habit. */
const slowerTolerated = 1.5
/** Slow: more than twice the median. */
const slowTimes = 2
const medianStep = 0.05
const factors = new Float64Array(oddsRatios.effects.length)

export function beginInstances(): Instances {
  const nothing = () => ({ bad: 0, total: 0 })
  return { known: [], aside: [], bad: nothing(), slow: nothing(), logMedianMs: null }
}

/** In place. @returns whether it was met for the first time */
export function meet(instances: Instances, name: string): boolean {
  if (instances.known.some((one) => one.name === name)) return false
  instances.known.push({
    name,
    total: 0,
    bad: 0,
    errors: beginWealth(oddsRatios),
    times: beginWealth(oddsRatios),
    own: null,
    sibling: null,
  })
  if (instances.known.length > instancesMax) instances.known.shift()
  return true
}

/** In place. @param ms null: its time says nothing (cold, or unknown) */
export function compareInstances(
  instances: Instances,
  { instance, bad, ms }: { instance: string; bad: boolean; ms: number | null },
): void {
  const { known, aside, logMedianMs } = instances
  const limit = logMedianMs === null ? null : slowTimes * Math.exp(logMedianMs)
  const own: Mark = { bad, slow: ms === null || limit === null ? null : ms > limit }
  const sibling: Mark = {
    bad,
    slow: ms === null || limit === null ? null : ms * slowerTolerated > limit,
  }
  for (const one of known) {
    if (one.name === instance) {
      one.total++
      if (bad) one.bad++
      one.own = own
    } else one.sibling = sibling
    if (one.own === null || one.sibling === null || aside.includes(one.name)) continue
    betBlock(instances, one, one.own, one.sibling)
    one.own = null
    one.sibling = null
  }
  learn(instances, own, ms)
}

/** Once it is clear that something is wrong, so much says whose fault it is. Where that is wrong, the others soon show it. */
const blameGoal = 10

/**
 * The instance that is to be set aside now; null when there is none.
 * @param risk that any instance that is like its siblings is ever called worse
 * @param unclear something is surely wrong: is it the version or one instance?
 * @param versionIsWorse is the version refuted without this one, too?
 */
export function brokenInstance(
  instances: Instances,
  { risk, unclear }: { risk: number; unclear: boolean },
  versionIsWorse: (without: string) => boolean,
): string | null {
  const { aside } = instances
  const present = instances.known.filter(({ name }) => !aside.includes(name))
  if (present.length < 2 || aside.length >= asideMax) return null
  const worst = present.reduce((most, one) => (evidenceOf(one) > evidenceOf(most) ? one : most))
  const goal = unclear ? blameGoal : goalOf(instances, risk)
  return evidenceOf(worst) < goal || versionIsWorse(worst.name) ? null : worst.name
}

export function evidenceOf({ errors, times }: Instance): number {
  return (wealthOf(errors, oddsRatios) + wealthOf(times, oddsRatios)) / 2
}

/** Every instance may be called worse, so the risk is divided. */
export function goalOf({ known }: Instances, risk: number): number {
  return Math.max(known.length, 2) / risk
}

function betBlock(instances: Instances, one: Instance, own: Mark, sibling: Mark): void {
  blockFactors(factors, { own: own.bad, others: [sibling.bad], oldRate: rateOf(instances.bad) })
  betUpTo(one.errors)
  if (own.slow === null || sibling.slow === null) return
  blockFactors(factors, { own: own.slow, others: [sibling.slow], oldRate: rateOf(instances.slow) })
  betUpTo(one.times)
}

/** Beyond this nothing more is to be shown, and numbers must stay finite. */
const enough = 1e12

function betUpTo(wealth: Wealth): void {
  if (wealthOf(wealth, oddsRatios) < enough) bet(wealth, oddsRatios, factors)
}

function learn(instances: Instances, { bad, slow }: Mark, ms: number | null): void {
  count(instances.bad, bad)
  if (slow !== null) count(instances.slow, slow)
  if (ms === null || !(ms > 0) || ms === Infinity) return
  const log = Math.log(ms)
  instances.logMedianMs ??= log
  instances.logMedianMs += log > instances.logMedianMs ? medianStep : -medianStep
}

function count(tally: Tally, bad: boolean): void {
  tally.total++
  if (bad) tally.bad++
}

function rateOf({ bad, total }: Tally): number {
  return (bad + 0.5) / (total + 20.5)
}
