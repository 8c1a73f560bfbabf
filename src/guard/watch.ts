/**
 * The evidence of one release, over all its phases: shadow, canary, the watch after the switch. Each signal bets by the
 * strongest design that the phase allows, and its wealth goes on from design to design, so one risk covers the release.
 * Pure; the state is JSON and survives a crash of the controller.
 */
import { wealthOf } from '../statistics/engine.ts'
import { bet } from '../statistics/engine.ts'
import { fractions } from '../statistics/mixture.ts'
import type { Answer } from './answer.ts'
import type { BothBets } from './bets.ts'
import { betOn, bookWealth, meetInstance, setAside, wealthWithout } from './book.ts'
import { carry } from './carried.ts'
import type { Carried } from './carried.ts'
import type { AnsweredTwice, Context, Judged } from './context.ts'
import { strongest } from './design.ts'
import type { WatchRules } from './guard.ts'
import { beginInstances, brokenInstance, compareInstances, meet } from './instances.ts'
import type { Instances } from './instances.ts'
import { bucketOf } from './latency-history.ts'
import { distance } from './line.ts'
import { beginLoad, countLoad, isEqualLoad, perReplica } from './load.ts'
import type { Load, Ready } from './load.ts'
import { countMinute } from './minutes.ts'
import { evidenceEach } from './outlook.ts'
import type { Minute } from './minutes.ts'
import { checkOutcome, checkSignal, risk, weightsOf } from './rules.ts'
import { beginSignal, boundShare, pairBets, singleBets, usesHistory, valueOf } from './signals.ts'
import type { History, SignalState } from './signals.ts'
import { countsOnce } from './units.ts'
import type { Units } from './units.ts'
import { isWarm, wasWarm } from './warmth.ts'
import type { Warmth } from './warmth.ts'

export type WatchState = {
  rules: WatchRules
  /** A first release has nothing to go back to: it may alarm and hold, never roll back (rulings §3). */
  first: boolean
  risks: { rollback: number; promotion: number }
  /** Wealth at which it is rolled back. */
  goal: number
  signals: SignalState[]
  instances: Instances
  warmth: Warmth
  clients: Units
  load: Load
  minutes: readonly Minute[]
  /** Of what was taken from answers by the examiner. */
  said: Said
  /** Of so many requests one is judged (reorder.ts). */
  every: number
  /** Answers of the new version that were judged, and the bad ones among them. */
  total: number
  bad: number
  gone: number
  void: number
  /** Answers of instances that were set aside, and values that were none. */
  setAside: number
  unreadable: number
  /** Answers since the evidence was enough, while it is not clear whether it is the version or one instance. */
  unclear: number | null
  /** The signal that decided. Once the evidence was enough it stays enough: the promise is about ever reaching it. */
  refutedBy: string | null
}

export type Said = {
  clients: Units
  /** Of what people say: who spoke, of each signal. Absent: nobody yet. */
  spoken?: Units
  minutes: readonly Minute[]
  /** Of answers that were to be judged: those that were, and those of which nothing was heard. */
  total: number
  void: number
}

/** Evidence without any one instance must reach this part of the goal. */
const withoutOneShare = 0.1
/** For each instance so many answers more, then a version whose evidence is carried by one instance is rolled back too. */
const unclearMax = 40

/**
 * @param history of the old version; null when there is none
 * @param carried what copies of live requests, asked of both versions before the switch, say of errors
 * @throws RangeError on rules or counts that are no numbers in their range
 */
export function beginWatch(
  rules: WatchRules,
  history: History | null,
  first: boolean,
  carried: Carried | null = null,
): WatchState {
  const risks = {
    rollback: risk('falseRollbackRisk', rules.falseRollbackRisk),
    promotion: risk('badPromotionRisk', rules.badPromotionRisk),
  }
  if (rules.signals.length === 0) throw new RangeError('a watch needs at least one signal')
  const weights = weightsOf(rules.signals)
  const signals = rules.signals.map((one, index) => {
    checkSignal(one)
    return beginSignal(one, { weight: weights[index]!, history, risks })
  })
  const ofErrors = signals.find((signal) => signal.rules.name === 'errors')
  if (carried !== null && ofErrors !== undefined) carry(ofErrors, carried)
  const betShare = signals.some(usesHistory) ? 1 - boundShare : 1
  return {
    rules,
    first,
    risks,
    goal: 1 / (risks.rollback * betShare),
    signals,
    instances: beginInstances(),
    warmth: [],
    clients: {},
    load: beginLoad(),
    minutes: [],
    said: { clients: {}, minutes: [], total: 0, void: 0 },
    every: 1,
    total: 0,
    bad: 0,
    gone: 0,
    void: 0,
    setAside: 0,
    unreadable: 0,
    unclear: null,
    refutedBy: null,
  }
}

/**
 * @param answers in assignment order, each once (reorder.ts)
 * @throws RangeError on an answer or a time that is none; the state given stays as it was
 */
export function observe(
  before: WatchState,
  answers: readonly Judged[],
  context: Context,
): WatchState {
  if (!Number.isFinite(context.at))
    throw new RangeError(`the time of observations must be a number of ms, it is ${context.at}`)
  if (answers.length === 0) return before
  const state = structuredClone(before)
  if (context.of === 'answer' || context.of === 'feedback')
    return observeSaid(state, answers, context)
  const { every } = context
  const isNew = answers.filter(({ side }) => side === 'new').length
  const seen = { new: isNew * every, old: (answers.length - isNew) * every }
  state.every = every
  state.load = countLoad(state.load, { at: context.at, seen })
  chooseDesigns(state, context)
  for (const one of answers) take(state, one, context)
  state.minutes = countMinute(state.minutes, {
    at: context.at,
    assigned: answers.length,
    lost: state.void - before.void,
  })
  return state
}

/** In place. What was said of answers that the gateway saw, too: they are counted there. */
function observeSaid(state: WatchState, answers: readonly Judged[], context: Context): WatchState {
  const { said } = state
  chooseDesigns(state, context)
  const units = context.of === 'feedback' ? (said.spoken ??= {}) : said.clients
  const before = said.void
  for (const { side, answer, client } of answers) {
    if (answer.outcome === 'void') {
      said.void++
      continue
    }
    if (side === 'new' && state.instances.aside.includes(answer.instance)) continue
    if (side === 'new') meetHere(state, answer.instance)
    if (side === 'new' && context.of === 'answer') said.total++
    if (context.sticky && !countsOnce(units, client ?? '')) continue
    const warm = wasWarm(state.warmth, answer.instance, context.at)
    betOnAnswer(state, { side, answer, warm }, context)
    judge(state, context)
  }
  const lost = said.void - before
  if (context.of === 'answer')
    said.minutes = countMinute(said.minutes, { at: context.at, assigned: answers.length, lost })
  return state
}

/** The same for pairs, in the order of their requests, each once. Their live answers go through `observe`, too. */
export function observePairs(
  before: WatchState,
  pairs: readonly AnsweredTwice[],
  context: Context,
): WatchState {
  if (!Number.isFinite(context.at))
    throw new RangeError(`the time of observations must be a number of ms, it is ${context.at}`)
  if (pairs.length === 0) return before
  const state = structuredClone(before)
  const { load } = state
  // The live side is counted by `observe`; the copies are the other one.
  if (context.of !== 'answer')
    state.load = {
      ...load,
      counts: { ...load.counts, old: load.counts.old + pairs.length * context.every },
    }
  chooseDesigns(state, context)
  for (const pair of pairs) takePair(state, pair, context)
  return state
}

/** What one signal adds to the evidence for a rollback. */
export function weightedWealth(signal: SignalState): number {
  return signal.weight * bookWealth(signal.book)
}

export function combinedWealth({ signals }: WatchState): number {
  return signals.reduce((sum, signal) => sum + weightedWealth(signal), 0)
}

function chooseDesigns(state: WatchState, context: Context): void {
  const { pairs, timesApart = false, share, ready, next } = context
  const bucket = bucketNow(state, ready)
  for (const signal of signalsOf(state, context)) {
    const design = strongest(signal.kind, {
      pairs: pairs && !(timesApart && signal.kind === 'latency'),
      divided: share === null ? 'no' : share === 'unknown' ? 'unknown' : 'coin',
      equalLoad: isEqualLoad(state.load, ready),
      history:
        signal.kind === 'yesNo'
          ? signal.memory.baseline.design === 'before-after'
          : signal.kind === 'latency' &&
            !timesApart &&
            bucket !== null &&
            signal.memory.limits[bucket] !== undefined,
      limit: signal.kind === 'yesNo' || (signal.kind === 'latency' && signal.rules.atMost !== null),
    })
    if (design === 'paired' && signal.design !== 'paired') signal.pairsFrom = next
    signal.design = design
    if (typeof share === 'number') signal.share = share
    signal.each = evidenceEach(signal)
  }
}

function take(state: WatchState, { side, answer, client }: Judged, context: Context): void {
  const { outcome, instance } = answer
  if (outcome === 'void') return void state.void++
  checkOutcome(answer)
  const warm = isWarm(state.warmth, instance, context.at)
  if (side === 'new') {
    if (state.instances.aside.includes(instance)) return void state.setAside++
    if (outcome === 'gone') state.gone++
    else state.total++
    if (outcome === 'bad') state.bad++
    meetHere(state, instance)
  }
  if (!context.sticky || countsOnce(state.clients, client ?? ''))
    betOnAnswer(state, { side, answer, warm }, context)
  if (side === 'new' && outcome !== 'gone')
    compareInstances(state.instances, {
      instance,
      bad: outcome === 'bad',
      ms: warm ? answer.totalMs : null,
    })
  judge(state, context)
}

function betOnAnswer(
  state: WatchState,
  { side, answer, warm }: { side: 'new' | 'old'; answer: Answer; warm: boolean },
  context: Context,
): void {
  const bucket = bucketNow(state, context.ready)
  const share = typeof context.share === 'number' ? context.share : 0.5
  for (const signal of signalsOf(state, context)) {
    const seen = valueOf(signal, answer, warm)
    if (seen === undefined) state.unreadable++
    if (seen == null || signal.design === 'paired') continue
    const bets = singleBets(signal, { side, seen, share }, { bucket, at: context.at })
    if (bets !== null) apply(state, signal, bets, side === 'new' ? answer.instance : '')
  }
}

function signalsOf({ signals }: WatchState, { of }: Context): readonly SignalState[] {
  if (of === undefined) return signals
  return signals.filter(({ rules: { from = 'gateway' } }) => from === of)
}

function takePair(state: WatchState, pair: AnsweredTwice, context: Context): void {
  for (const side of ['new', 'old'] as const) {
    if (pair[side].outcome === 'void') return
    checkOutcome(pair[side])
  }
  const { instance } = pair.new
  if (state.instances.aside.includes(instance)) return
  meetHere(state, instance)
  // What was said of answers that the gateway saw: they are counted there.
  const isIt = context.of === 'answer' ? wasWarm : isWarm
  const warmOld = isIt(state.warmth, pair.old.instance, context.at)
  const warm = warmOld && isIt(state.warmth, instance, context.at)
  for (const signal of signalsOf(state, context)) {
    if (signal.design !== 'paired' || distance(pair.seq, signal.pairsFrom) < 0) continue
    const own = valueOf(signal, pair.new, warm)
    const old = valueOf(signal, pair.old, warm)
    if (own == null || old == null) continue
    apply(state, signal, pairBets(signal, { new: own, old }), instance)
  }
  judge(state, context)
}

/** Numbers must stay finite where betting does not end with a rollback. */
const enough = 1e100

function apply(
  { refutedBy }: WatchState,
  signal: SignalState,
  { worse, fine }: BothBets,
  instance: string,
): void {
  signal.judged[signal.design] = (signal.judged[signal.design] ?? 0) + 1
  signal.shown += signal.each
  if (refutedBy === null && bookWealth(signal.book) < enough) betOn(signal.book, worse, instance)
  for (const [question, factors] of fine.entries())
    if (factors !== null && question < signal.fine.length)
      bet(signal.fine[question]!, fractions, factors)
}

function meetHere(state: WatchState, instance: string): void {
  if (!meet(state.instances, instance)) return
  for (const { book } of state.signals) meetInstance(book, instance)
}

/** Rolled back, one instance set aside, or neither yet. */
function judge(state: WatchState, { ready: { new: ready } }: Context): void {
  if (state.refutedBy !== null) return
  const { goal, signals, instances } = state
  const without = (name: string) =>
    signals.reduce((sum, { weight, book }) => sum + weight * wealthWithout(book, name), 0)
  const broken =
    state.rules.replaces === false
      ? null
      : brokenInstance(
          instances,
          { risk: state.risks.rollback, unclear: state.unclear !== null },
          (name) => without(name) >= withoutOneShare * goal,
        )
  if (broken !== null) {
    instances.aside.push(broken)
    for (const { book } of signals) setAside(book, broken)
    state.unclear = null
  }
  if (combinedWealth(state) < goal) return
  const present = instances.known.filter(({ name }) => !instances.aside.includes(name))
  state.unclear = (state.unclear ?? -1) + 1
  // Some of those that are ready may not have answered yet.
  const siblings = Math.max(present.length, ready - instances.aside.length)
  const isOfAll =
    siblings < 2 || present.every(({ name }) => without(name) >= withoutOneShare * goal)
  if (!isOfAll && state.unclear < unclearMax * siblings) return
  const [first, ...others] = signals
  state.refutedBy = others.reduce(
    (most, one) => (weightedWealth(one) > weightedWealth(most) ? one : most),
    first!,
  ).rules.name
}

export function bucketNow({ load }: WatchState, ready: Ready): string | null {
  const rate = perReplica(load, ready, 'new')
  return rate === null ? null : bucketOf(rate)
}

export function isFine({ fine, fineGoal }: SignalState): boolean {
  return fine.length > 0 && fine.every((wealth) => wealthOf(wealth, fractions) >= fineGoal)
}
