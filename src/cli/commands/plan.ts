/** `beryl plan`: what a release would take, and what its watch could find, before anything is started. */
import { apiClient, reach } from '../../api/client.ts'
import type { PlanView } from '../../api/shapes.ts'
import { share } from '../../config/units.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, paint, say } from '../output.ts'
import { policyTable, poolLines, roomLines, strategyTable, whatIfText } from '../plan-tables.ts'

export async function plan(
  globals: Globals,
  service: string,
  version: string,
  options: { find?: string; traffic?: string; gpus?: string; standby?: string },
): Promise<number> {
  const view = await apiClient(reach(globals)).plan(service, version, askedOf(options))
  say(globals.json, view, planText(view))
  return exitCodes.done
}

/** `x2` and `5%` are for people; the API takes numbers, and says what is none. */
function askedOf({
  find,
  traffic,
  gpus,
  standby,
}: {
  find?: string
  traffic?: string
  gpus?: string
  standby?: string
}): Record<string, string> {
  return {
    ...(find === undefined ? {} : { find: String(shareOf(find)) }),
    ...(traffic === undefined ? {} : { traffic: traffic.replace(/^x/, '') }),
    ...(gpus === undefined ? {} : { gpus }),
    ...(standby === undefined ? {} : { standby }),
  }
}

function shareOf(text: string): number {
  const parsed = share.safeParse(/^[\d.]+$/.test(text) ? Number(text) : text)
  if (parsed.success && parsed.data > 0) return parsed.data
  throw new ProblemError({
    status: 400,
    code: 'usage',
    title: `--find expects a share of errors such as 5%, came ${JSON.stringify(text)}`,
  })
}

/** Nothing was started; nothing is registered. */
export function planText(view: PlanView): string {
  const { service, version, from, capacity, watch, regression, moveMs } = view
  const lines = [
    `${paint('bold', service)}  ${from ?? 'nothing live yet'} → ${version}${whatIfText(view.whatIf)}`,
  ]
  const say_ = (what: string, text: string) => lines.push(`  ${what.padEnd(9)} ${text}`)
  if (view.before !== null) say_('before', view.before)
  const gates = view.gates.length === 0 ? 'no gates' : `gates: ${view.gates.join(', ')}`
  say_('checks', view.approval ? `${gates}; then a person must approve` : gates)
  if (view.windows.length > 0) say_('windows', view.windows.join('; '))
  if (view.held !== null) say_('held', `were it ready now, it would wait for ${view.held}`)
  const gpus = capacity.gpus === 0 ? '' : ` and ${count(capacity.gpus, 'GPU slot')}`
  say_('capacity', `${count(capacity.replicas, 'replica')}${gpus} more, until the ladder ends`)
  if (capacity.unknown !== null) say_('', capacity.unknown)
  for (const [index, text] of roomLines(view.room).entries()) say_(index === 0 ? 'room' : '', text)
  say_(
    'switch',
    view.toSwitchMs === null
      ? 'how long until then is not known: no release of this service got so far yet'
      : `after about ${duration(view.toSwitchMs / 1000)} (the median of ${count(view.measured, 'release')})`,
  )
  const { shares, everyS } = view.steps
  if (shares.length > 0) {
    const parts = shares.map((share) => `${Math.round(share * 1000) / 10} %`).join(', ')
    say_('steps', `${parts}, then all of the traffic; each at least ${duration(everyS)}`)
  }
  const how = watch.control
    ? 'in pairs with the old version'
    : "held against the old version's past"
  say_('watch', `${duration(watch.atLeastS)} to ${duration(watch.atMostS)}, ${how}`)
  say_(
    'way back',
    view.standbyS === 0
      ? 'none once the watch has ended: the ladder is empty'
      : `${ladderText(view.ladder)} after the watch; ${moveMs === null ? 'no move was measured yet' : `the last move took ${moveMs.toFixed(1)} ms`}`,
  )
  for (const one of view.evicts)
    say_('', `a rollback now would end ${one}: it is on GPU slots of the standby`)
  for (const [index, text] of poolLines(view.pool).entries()) say_(index === 0 ? 'pool' : '', text)
  if (view.cost !== null) {
    const { money, currency, replicaHours, placeHours, spotHours, spotSaves } = view.cost
    const place =
      placeHours === undefined ? '' : ` and ${placeHours.toFixed(2)} hours of a place in the pool`
    const saves = spotSaves === null ? '' : `, which saves ${spotSaves.toFixed(2)} ${currency}`
    const spot = spotHours === 0 ? '' : `; ${spotHours.toFixed(2)} of them on spot capacity${saves}`
    const price = money === null ? '' : `, ${money.toFixed(2)} ${currency}`
    say_(
      'cost',
      `at least ${replicaHours.toFixed(2)} replica-hours for the second environment${place}${price}${spot}`,
    )
  }
  for (const [index, text] of (regression?.said ?? []).entries())
    say_(index === 0 ? 'finds' : '', text)
  if (from === null) say_('finds', 'nothing: a first version has nothing to be compared with')
  lines.push(...policyTable(view), ...strategyTable(view))
  return `${lines.join('\n')}\nNext: beryl deploy ${service} ${version} --wait`
}

function ladderText(ladder: PlanView['ladder']): string {
  return ladder.map(({ rung, forS }) => `${rung} for ${duration(forS)}`).join(', then ')
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 360) / 10} h`
  return `${Math.round(seconds / 8640) / 10} days`
}
