/** Roll back, promote, or hold: by evidence only. No alarm never means promote (rulings §4, statistics §2.2). */
import { percent } from './baseline.ts'
import { bookWealth } from './book.ts'
import { comparedWith, evidenceNow, said } from './explain.ts'
import type { Decision } from './guard.ts'
import { lostShare, lostShareMax } from './minutes.ts'
import { toClear, toSee, wouldShow } from './outlook.ts'
import type { SignalState } from './signals.ts'
import { isFine } from './watch.ts'
import type { WatchState } from './watch.ts'

/** @param at wall time, ms: without it, what was lost in the last minute seen counts as if it were now */
export function decide(state: WatchState, at?: number): Decision {
  const evidence = evidenceNow(state)
  const replace = state.instances.aside
  const answer = (
    decision: Decision['decision'],
    because: string,
    missing: number | null = null,
  ) => ({
    decision,
    because,
    missing,
    wouldShow: decision === 'hold' && allWouldShow(state),
    replace,
    evidence,
  })
  // Rollback wins ties.
  if (state.refutedBy !== null) {
    const because = `${state.refutedBy}: ${whatRefuted(state)}`
    return state.first
      ? answer('hold', `alarm: ${because}, but a first release has no way back`)
      : answer('rollBack', because, 0)
  }
  if (state.unclear !== null)
    return answer(
      'hold',
      `it is not clear yet whether the version is worse or one instance of it (${everySaid(state)})`,
    )
  const drifted = state.signals.find((signal) => hasDrifted(signal, state))
  if (drifted !== undefined)
    return answer(
      'hold',
      `${drifted.rules.name}: the answers differ from the old version's by more than the ${percent(drifted.rules.tolerance)} that the manifest tolerates (${said(drifted)}); a person has to say whether that is meant`,
    )
  const required = state.signals.filter(({ rules }) => rules.required)
  const open = required.filter((signal) => !isFine(signal))
  if (required.length === 0)
    return answer('hold', 'no signal is required: nothing can show that it is no worse')
  if (open.length > 0) return answer('hold', ...howMuchLonger(state, open))
  if (!isAsked(state))
    return answer(
      'hold',
      `no client has been answered by it yet (${everySaid(state)}): a version that nobody asks is not promoted`,
    )
  const lost = lostShare(state.minutes, at)
  if (lost > lostShareMax)
    return answer(
      'hold',
      `${percent(lost)} of the last minute's requests cannot be judged, more than ${percent(lostShareMax)}: promotion pauses (${everySaid(state)})`,
    )
  const unheard = lostShare(state.said.minutes, at)
  if (unheard > lostShareMax && required.some(({ rules }) => rules.from === 'answer'))
    return answer(
      'hold',
      `${percent(unheard)} of the last minute's answers that were to be read were not, more than ${percent(lostShareMax)}: promotion pauses (${everySaid(state)})`,
    )
  return answer(
    'promote',
    required
      .map(
        (signal) =>
          `${signal.rules.name}: ${said(signal)}, against ${comparedWith(signal)}; surely ${noWorseThan(signal)}`,
      )
      .join('; '),
    0,
  )
}

/** Evidence from before the switch is none of what it does now. */
function isAsked({ total, signals }: WatchState): boolean {
  return total > 0 || signals.some(({ judged }) => Object.keys(judged).length > 0)
}

/** Of the yes/no signals that are required, or of all where none is; with none at all nothing would show. */
function allWouldShow({ signals, goal, refutedBy, unclear }: WatchState): boolean {
  if (refutedBy !== null || unclear !== null) return false
  const yesNo = signals.filter(({ kind }) => kind === 'yesNo')
  const required = yesNo.filter(({ rules }) => rules.required)
  const asked = required.length > 0 ? required : yesNo
  return asked.length > 0 && asked.every((signal) => wouldShow(signal, goal))
}

function hasDrifted(
  signal: SignalState,
  { risks }: WatchState,
): signal is SignalState & { kind: 'drift' } {
  return signal.kind === 'drift' && bookWealth(signal.book) >= 1 / risks.rollback
}

function whatRefuted(state: WatchState): string {
  const signal = state.signals.find(({ rules }) => rules.name === state.refutedBy)!
  const surely =
    signal.kind !== 'yesNo'
      ? 'surely worse than what is tolerated'
      : signal.design === 'before-after' || signal.design === 'one-sample'
        ? `surely more than ${percent(signal.memory.baseline.worse)}`
        : `surely worse by more than the ${percent(signal.rules.tolerance)} that is tolerated`
  return `${said(signal)}, against ${comparedWith(signal)}; ${surely}`
}

function noWorseThan(signal: SignalState): string {
  if (signal.kind === 'yesNo')
    return signal.design === 'before-after' || signal.design === 'one-sample'
      ? `less than ${percent(signal.memory.baseline.limit)}`
      : `not worse by ${percent(signal.rules.margin)}`
  return 'not worse than the margin'
}

/** "about N more requests ≈ T minutes at today's rate if it is as bad as X; M to be sure it is not" */
function howMuchLonger(
  state: WatchState,
  open: readonly SignalState[],
): [because: string, missing: number | null] {
  const perSecond = state.load.perSecond?.new ?? null
  const requests = (judged: number | null, signal: SignalState) =>
    judged === null ? null : Math.ceil(judged * requestsEach(state, signal))
  const needs = open.map((signal) => requests(toClear(signal), signal))
  const missing = needs.every((need) => need !== null) ? Math.max(...needs, 1) : null
  const parts = open.map((signal, index) => {
    const { rules } = signal
    const need = needs[index]
    if (signal.design === 'none') return `${rules.name} is compared with ${comparedWith(signal)}`
    const isSaid = rules.from === 'feedback'
    const rate = isSaid ? null : perSecond
    const clear =
      need == null
        ? 'more evidence needed'
        : `about ${Math.max(1, need)} more answers ${isSaid ? 'with feedback ' : ''}needed${within(need, rate)} to be sure that ${rules.name} ${isAre(rules.name)} no worse`
    const see = requests(toSee(signal, state.goal), signal)
    const worse =
      see === null || signal.kind !== 'yesNo'
        ? ''
        : `, about ${Math.max(1, see)}${within(see, rate)} if it is worse by ${percent(signal.rules.minimumEffect).replace(' %', ' points')}`
    return `${clear}${worse} (${said(signal)}, against ${comparedWith(signal)})`
  })
  return [parts.join('; '), missing]
}

/** Requests for each piece of evidence: some are not judged. Who will speak of how many answers nobody knows. */
function requestsEach({ every, total, said }: WatchState, { rules }: SignalState): number {
  if (rules.from === 'feedback') return 1
  if (rules.from !== 'answer' || said.total === 0) return every
  return Math.max(1, (total * every) / said.total)
}

function within(answers: number, perSecond: number | null): string {
  if (perSecond === null || perSecond <= 0) return ''
  const seconds = answers / perSecond
  const text =
    seconds < 90
      ? `${Math.ceil(seconds)} s`
      : seconds < 5400
        ? `${Math.round(seconds / 60)} min`
        : `${Math.round(seconds / 360) / 10} h`
  return ` ≈ ${text} at today's rate`
}

function everySaid({ signals }: WatchState): string {
  return signals.map((signal) => `${signal.rules.name}: ${said(signal)}`).join('; ')
}

function isAre(name: string): string {
  return name === 'errors' ? 'are' : 'is'
}
