/** The tables of `beryl plan`: ways to keep the old version, strategies, and whether two environments fit. */
import type { PlanView } from '../api/shapes.ts'
import { gibibytes } from '../ipc/gibibytes.ts'
import { table } from './output.ts'

export function whatIfText({ traffic, gpus, standby }: PlanView['whatIf']): string {
  const said = [
    ...(traffic === null ? [] : [`traffic x${traffic}`]),
    ...(gpus === null ? [] : [`${gpus} GPU slots`]),
    ...(standby === null ? [] : [`standby ${standby}`]),
  ]
  return said.length === 0 ? '' : `, if it were: ${said.join(', ')}`
}

export function roomLines(room: PlanView['room']): string[] {
  if (room === null) return []
  const { limits, fits, holders, offers } = room
  const lines = limits.map(({ what, needed, free, lent, of }) => {
    const asleep =
      lent === 0 ? '' : `; ${lent} more are lent by what sleeps, and go back to a rollback`
    const amount = (value: number) => (what === 'memory' ? gibibytes(value) : String(value))
    const said = needed <= free + lent ? 'it fits' : 'TOO FEW'
    const unit = what === 'memory' ? 'of memory' : what
    return `${said}: ${amount(needed)} ${unit} are needed, ${amount(free)} of ${amount(of)} are free${asleep}`
  })
  const who = holders.map((one) => `held by ${one}`)
  if (fits) return lines
  return [
    ...lines,
    ...who,
    'nothing would be started. What still protects, in order:',
    ...offers.flatMap(({ what, how, lost }, index) => [
      `${index + 1}. ${what}: ${how ?? 'not offered here'}`,
      `   lost: ${lost}`,
    ]),
  ]
}

export function poolLines(pool: PlanView['pool']): string[] {
  if (pool === null) return []
  const { name, servers, models, of, holders, pushesOut, waits } = pool
  const who = holders.length === 0 ? '' : `: ${holders.join('; ')}`
  const where = servers === 1 ? '' : ` on ${servers} servers`
  const less =
    models === of ? '' : ` (of ${of}: the others are on lost servers, or taken by somebody else)`
  return [
    `${name}, ${holders.length} of ${models} taken${where}${less}${who}`,
    ...(waits
      ? [
          'TOO FEW: all places are for rollbacks, or taken by somebody else: its own replicas stay up, at their price, until there is one',
        ]
      : []),
    ...pushesOut.map(
      (one) =>
        `pushes out ${one}: nothing of it is ready then; its way back begins with a start, or with a load once there is a place`,
    ),
  ]
}

export function policyTable({ policies }: PlanView): string[] {
  if (policies.length === 0) return []
  const time = timeText(policies[0]!.forS * 1000)
  const rows = policies.map((one) => [
    `${one.rung}${one.inManifest ? ' *' : ''}`,
    (one.placeHours === undefined
      ? hours(one.replicaHours)
      : `${hours(one.placeHours)} of a place`) + paid(one),
    one.backMs === null ? 'not measured' : `${timeText(one.backMs)} (${one.backFrom})`,
    one.requests === null ? '–' : counted(one.requests),
    one.risk,
  ])
  const head = ['standby', `cost of ${time}`, 'all is back after', 'requests meanwhile', 'risk']
  return ['', ...indented([head, ...rows])]
}

export function strategyTable({ strategies, regression }: PlanView): string[] {
  if (strategies.length === 0 || regression === null) return []
  const rows = strategies.map((one) => [
    `${one.strategy}${one.offered ? '' : ' (not offered here)'}`,
    one.answers === null ? 'never seen' : `${counted(one.answers)}, ${counted(one.bad ?? 0)} bad`,
    one.verdictMs === null ? '–' : timeText(one.verdictMs),
    one.backMs === null ? 'not measured' : timeText(one.backMs),
    one.replicaHours === null ? '–' : hours(one.replicaHours) + paid(one),
  ])
  const head = ['strategy', 'answers of a bad version', 'to a verdict', 'time back', 'cost']
  return ['', ...indented([head, ...rows])]
}

function indented(rows: readonly (readonly string[])[]): string[] {
  return table(rows).map((line) => `  ${line}`)
}

function paid({ money, currency }: { money: number | null; currency: string | null }): string {
  return money === null ? '' : `, ${money.toFixed(2)} ${currency}`
}

function hours(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} h`
}

function counted(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value))
}

function timeText(ms: number): string {
  const s = ms / 1000
  if (s < 1) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  if (s < 90) return `${Math.round(s * 10) / 10} s`
  if (s < 5400) return `${Math.round(s / 60)} min`
  return `${Math.round(s / 360) / 10} h`
}
