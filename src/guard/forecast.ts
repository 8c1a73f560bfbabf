/**
 * The guard's formulas the other way round: how long until a given regression would be seen at today's traffic, and what
 * replaying recorded requests first would buy. Pure; for `beryl plan`.
 */
import {
  evidencePerAnswer,
  evidencePerPair,
  evidencePerRequest,
  requestsToSee,
} from '../statistics/wald.ts'
import { baselineOf, isHistory, percent } from './baseline.ts'
import type { Counts } from './baseline.ts'
import type { Design } from './guard.ts'
import { durationText, rateText } from './said-times.ts'
import { boundShare } from './signals.ts'

export type Asked = {
  /** Live requests a second, today. */
  perSecond: number
  /** What is known of the old version's errors. */
  old: Counts
  /** Share of errors of the regression that is asked about; above the old version's. */
  newRate: number
  falseRollbackRisk: number
  /** Of errors among the signals. */
  weight: number
  /** As in the manifest. */
  tolerance: number
  margin: number
  atMost: number
  /** Recorded requests that could be replayed before the switch. */
  replayed: number
  /** The old version answers the same requests while the new one is watched. */
  control: boolean
  /** How long the watch may last, s. */
  watchS: number
}

export type Forecast = {
  /** By each design: requests (pairs, answers), and seconds of today's traffic. Infinity: never. */
  designs: readonly { design: Design; requests: number; seconds: number }[]
  /** The smallest share of errors that is surely found, by the replayed requests and by the watch; null: not even a total outage. */
  found: { byReplay: number | null; byWatch: number | null }
  /** In words, for people. */
  said: readonly string[]
}

/** @throws RangeError on numbers that are none, or a regression that is none */
export function forecast(asked: Asked): Forecast {
  check(asked)
  const { perSecond, old, newRate, falseRollbackRisk, weight, replayed, control, watchS } = asked
  const oldRate = rateOf(old)
  const all = { risk: falseRollbackRisk, weight }
  /** Without the old version beside it: against bounds of its history, which take half of the risk. */
  const bound = boundShare * falseRollbackRisk * weight
  const history = baselineOf({ name: 'errors', ...asked }, old, {
    rollback: bound,
    promotion: bound,
  })
  const left = isHistory(old) ? falseRollbackRisk * (1 - boundShare) : falseRollbackRisk
  const alone = (rate: number) =>
    requestsToSee(rate > history.worse ? evidencePerAnswer(rate, history.worse) : 0, {
      risk: left,
      weight,
    })
  const paired = (rate: number) => requestsToSee(pairEvidence(oldRate, rate), all)
  const designs = [
    lineOf('paired', paired(newRate)),
    lineOf('split', requestsToSee(evidencePerRequest(oldRate, newRate, 0.5), all)),
    lineOf(history.design, alone(newRate)),
  ]
  const found = {
    byReplay: smallest(oldRate, (rate) => paired(rate) <= replayed),
    byWatch: smallest(oldRate, (rate) => (control ? paired : alone)(rate) <= perSecond * watchS),
  }
  return { designs, found, said: inWords(asked, designs, found) }

  function lineOf(design: Design, requests: number) {
    return { design, requests, seconds: perSecond === 0 ? Infinity : requests / perSecond }
  }
}

/** If failures of the two are independent: shared ones make it faster. */
function pairEvidence(old: number, own: number): number {
  return evidencePerPair(own * (1 - old), old * (1 - own))
}

/** The smallest rate above the old one that is enough; null where none is. */
function smallest(oldRate: number, isEnough: (rate: number) => boolean): number | null {
  if (!isEnough(1)) return null
  let [low, high] = [oldRate, 1]
  // To a ten-thousandth: more digits than anybody reads.
  while (high - low > 1e-4) {
    const middle = (low + high) / 2
    if (isEnough(middle)) high = middle
    else low = middle
  }
  return high
}

function inWords(
  { perSecond, old, newRate, replayed, control, watchS }: Asked,
  designs: Forecast['designs'],
  { byReplay, byWatch }: Forecast['found'],
): string[] {
  const pairs = designs[0]!
  const used = control ? pairs : designs[2]!
  const how = control ? 'requests in pairs' : "answers, held against the old version's past"
  const change = `${percent(rateOf(old))} → ${percent(newRate)} errors`
  const live =
    perSecond === 0
      ? `${change}: there is no live traffic now that could show it`
      : used.seconds === Infinity
        ? `${change}: the watch cannot see that, however long it lasts (the past is weak evidence); a control group can`
        : `${change}: seen after about ${used.requests} ${how}, ${durationText(used.seconds)} at today's ${rateText(perSecond)}`
  const watch =
    byWatch === null
      ? `in ${durationText(watchS)} today's traffic shows nothing, not even a total outage`
      : `in ${durationText(watchS)} today's traffic finds ${percent(byWatch)} errors and more`
  const replay =
    byReplay === null
      ? `${replayed} replayed requests are too few to find anything`
      : `${replayed} replayed requests find ${percent(byReplay)} errors and more before the switch, without waiting`
  const isTooSlow = used.seconds > watchS
  const advice =
    isTooSlow && pairs.requests < Infinity
      ? [
          `live traffic cannot find so small a regression in time, and replay can: ask about ${pairs.requests} recorded requests of both versions before the switch, as a golden set`,
        ]
      : []
  return [live, watch, ...(replayed === 0 ? [] : [replay]), ...advice]
}

function rateOf({ bad, total }: Counts): number {
  return total === 0 ? 0 : bad / total
}

function check({ perSecond, old, newRate, replayed, watchS }: Asked): void {
  for (const [name, value] of Object.entries({ perSecond, replayed, watchS }))
    if (!(value >= 0 && value < Infinity))
      throw new RangeError(`${name} must be a number of at least 0, it is ${value}`)
  if (!(newRate > rateOf(old) && newRate <= 1))
    throw new RangeError(
      `a regression must lie between the old version's ${percent(rateOf(old))} and 100 %, it is ${percent(newRate)}`,
    )
}
