/**
 * Can the watch end at today's traffic, if the new version is no worse, and by when? A watch that cannot asks a person. Said of each
 * signal beforehand (rulings §4). Pure; for `beryl plan`.
 */
import { answersUntil, growthOf } from '../statistics/planning.ts'
import { fractions } from '../statistics/mixture.ts'
import { oneSampleBelow } from '../statistics/one-sample-below.ts'
import type { Design, Source } from './guard.ts'
import { aloneEveryMs } from './latency.ts'
import { toClear } from './outlook.ts'
import { durationText, rateText } from './said-times.ts'
import type { SignalState } from './signals.ts'
import { coldMs, coldRequests } from './warmth.ts'

export type Today = {
  /** In pairs with the old version. */
  control: boolean
  /** While both versions answer clients, each about its share, before all traffic moves; 0: at once. */
  stepsS: number
  /** Of the new version. */
  replicas: number
  /** Clients stick to a version. */
  sticky: boolean
  /** Live requests a second, and of how many of their answers each source speaks; null: not known. */
  perSecond: Readonly<Record<Source, number | null>>
  atLeastS: number
  watchS: number
}

/** What a signal needs; a text where nothing would be enough. */
type Need =
  | string
  | {
      what: string
      needed: number
      perSecond: number | null
      withinS: number
      /** Before the first one counts. */
      afterS?: number
      assumed?: string
      shows?: string
    }

/** @param signals as the watch begins @returns one sentence for each required signal, and what becomes of the watch */
export function endsSaid(signals: readonly SignalState[], today: Today): string[] {
  const required = signals.filter(({ rules }) => rules.required)
  const others = signals.filter(({ rules }) => !rules.required).map(({ rules }) => rules.name)
  const ends = required.map((signal) => endOf(signal, today))
  const waits =
    others.length === 0 ? [] : [`the watch does not wait for ${others.join(', ')}: not required`]
  return [...ends.map(({ said }) => said), ...waits, whole(ends, today)]
}

function whole(ends: readonly { seconds: number | null }[], { atLeastS, watchS }: Today): string {
  const asks = 'it would ask for `promote` (or do as `whenUndecided` says)'
  if (ends.length === 0) return `nothing is required, so nothing can end the watch: ${asks}`
  const seconds = Math.max(...ends.map((one) => one.seconds ?? Infinity))
  if (seconds > watchS)
    return `today's traffic cannot end the watch within ${durationText(watchS)}: ${asks}`
  return `today's traffic can end the watch by itself after about ${durationText(Math.max(seconds, atLeastS))}, if nothing is worse`
}

function endOf(signal: SignalState, today: Today): { said: string; seconds: number | null } {
  const { name } = signal.rules
  const need = needOf(signal, today)
  if (typeof need === 'string') return { said: `${name}: ${need}`, seconds: null }
  const { what, needed, perSecond, withinS, afterS = 0 } = need
  const { assumed = 'it is no worse', shows = 'that' } = need
  if (needed === 0 && signal.carried !== undefined)
    return {
      said: `${name}: ${signal.carried.total} requests asked of both versions before the switch are enough, if the new one fails on none of them alone and they stand for all live traffic`,
      seconds: 0,
    }
  const about = `${name}: if ${assumed}, about ${needed} ${what} show ${shows}`
  if (perSecond === null)
    return {
      said: `${about}; nobody has spoken of today's answers, so it cannot be said by when`,
      seconds: null,
    }
  if (perSecond === 0) return { said: `${about}; there are none now`, seconds: null }
  const seconds = afterS + needed / perSecond
  const time = `${about}, ${durationText(seconds)} at today's ${rateText(perSecond, rated(signal))}`
  return seconds <= withinS
    ? { said: time, seconds }
    : { said: `${time}: longer than the ${durationText(withinS)} there are`, seconds: null }
}

function needOf(signal: SignalState, today: Today): Need {
  const { kind, rules } = signal
  const { control, stepsS, sticky, watchS } = today
  const from = rules.from ?? 'gateway'
  const perSecond = today.perSecond[from]
  if (kind === 'drift') return 'it can hold a promotion up and never earns one'
  if (kind === 'latency') return latencyNeed(signal, today)
  const by = (design: Design, what: string, withinS: number): Need => {
    const needed = toClear({ ...signal, design })
    return needed === null
      ? `no number of ${what} shows that it is no worse (a larger margin can)`
      : { what, needed, perSecond, withinS }
  }
  if (control && from !== 'feedback')
    return by('paired', from === 'answer' ? 'answers read in pairs' : 'requests in pairs', watchS)
  const what = { gateway: 'answers', answer: 'answers read', feedback: 'opinions' }[from]
  if (kind === 'yesNo') return by(signal.design, what, watchS)
  if (stepsS > 0) {
    const each = sticky ? ', one of each client,' : ''
    return by('split', `${what} during the steps${each}`, stepsS)
  }
  const others = from === 'feedback' ? '' : 'a control group or '
  return `nothing to compare scores with: it needs ${others}steps (\`switch.traffic\`)`
}

/** In pairs times are not compared (decision 6), the past is weak evidence, and how equal a step's load will be nobody knows. */
function latencyNeed(
  { rules, fine, fineGoal }: SignalState & { kind: 'latency' },
  { stepsS, watchS, replicas, perSecond }: Today,
): Need {
  if (rules.atMost === null)
    return stepsS > 0
      ? 'it earns a promotion only in a step in which both versions get about the same load; whether one will cannot be said beforehand (`p95` can)'
      : 'it never earns a promotion without a limit of its own (`p95`): the past is weak evidence'
  const allowed = 1 - rules.atMost.share
  const { good, bad } = oneSampleBelow(allowed)
  const share = allowed / 5
  const growth = growthOf([
    { factors: good, share: 1 - share },
    { factors: bad, share },
  ])
  const needed = answersUntil({ wealth: fine[0]!, mixture: fractions, growth, goal: fineGoal })
  return {
    what: `answers, one in ${aloneEveryMs / 1000} s once replicas are warm,`,
    needed,
    perSecond: Math.min(1000 / aloneEveryMs, perSecond[rules.from ?? 'gateway'] ?? 0),
    withinS: watchS,
    afterS: Math.max(coldMs / 1000, (coldRequests * replicas) / (perSecond.gateway ?? 0)),
    assumed: `one answer in ${Math.round(1 / share)} takes longer than ${rules.atMost.ms} ms`,
    shows: `that fewer than one in ${Math.round(1 / allowed)} do`,
  }
}

function rated({ rules: { from }, kind }: SignalState): string {
  if (kind === 'latency') return 'answers'
  return from === 'feedback' ? 'opinions' : from === 'answer' ? 'answers read' : 'requests'
}
