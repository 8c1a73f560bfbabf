/** `beryl cost`: the ledger, and what blue-green added over a single environment. */
import { apiClient, reach } from '../../api/client.ts'
import type { AddedView, CostView, SumView } from '../../api/shapes.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, paint, say } from '../output.ts'

export async function cost(globals: Globals, service: string | undefined): Promise<number> {
  const api = apiClient(reach(globals))
  const names = service === undefined ? (await api.services()).map((one) => one.service) : [service]
  const views = await Promise.all(names.map((name) => api.cost(name)))
  const next = service ?? (names.length === 1 ? names[0]! : 'SERVICE')
  const text = `${views.map(costText).join('\n\n')}\nNext: beryl history ${next}`
  say(globals.json, service === undefined ? { services: views } : views[0], text)
  return exitCodes.done
}

export function costText(view: CostView): string {
  const { service, lines, releases, total, added, last30Days, unpricedHours, gaps, rungs, months } =
    view
  const more = (sum: AddedView) =>
    sum.replicaHours === 0
      ? 'nothing'
      : `${paid(sum)}: ${sum.share === null ? 'nothing was live meanwhile' : `+${percent(sum.share)} on ${hours(sum.over)}`}`
  const title = paint('bold', service)
  if (lines.length === 0 && gaps.length === 0) return `${title}  nothing has run yet`
  const text = [`${title}  ${paid(total)} in all`]
  for (const { release, version, environment, role, ...sum } of lines)
    text.push(
      `  ${release.padEnd(5)} ${version.padEnd(12)} ${environment.padEnd(6)} ${role.padEnd(10)} ${paid(sum)}`,
    )
  text.push('  what blue-green added over a single environment')
  for (const { release, added: own } of releases)
    if (own.replicaHours > 0) text.push(`    ${release.padEnd(10)} ${more(own)}`)
  text.push(`    ${'30 days'.padEnd(10)} ${more(last30Days.added)}`)
  text.push(`    ${'in all'.padEnd(10)} ${more(added)}`)
  for (const { month, added: own, savedHours } of months)
    text.push(
      `    ${month.padEnd(10)} ${more(own)}${savedHours > 0 ? `; lower rungs saved ${hours(savedHours)}` : ''}`,
    )
  if (rungs.length > 0) text.push('  what each rung of a standby kept, and saved')
  for (const { release, rung, hours: stood, kept, saved } of rungs)
    text.push(
      `    ${release.padEnd(5)} ${rung.padEnd(12)} ${stood.toFixed(stood < 10 ? 2 : 1)} h: ${paid(kept)}; saved ${saved.replicaHours === 0 && !saved.money ? 'nothing' : paid(saved)}`,
    )
  const asked = releases.filter(
    ({ requests }) => requests.mirrored + requests.replayed + requests.judged > 0,
  )
  if (asked.length > 0) text.push('  requests beside those of clients')
  for (const { release, requests } of asked)
    text.push(
      `    ${release.padEnd(10)} ${requests.mirrored} mirrored, ${requests.replayed} replayed, ${requests.judged} judged`,
    )
  if (unpricedHours > 0)
    text.push(
      `  no price    for ${hours(unpricedHours)}: environment.price was not in the manifest when their release began`,
    )
  if (total.money === null && unpricedHours < total.replicaHours)
    text.push('  no sum      the prices are in more than one currency')
  for (const { from, to, replicas, replicaHours } of gaps)
    text.push(
      `  not known   ${time(from)} to ${time(to)}: Beryl was not there, and did not find ${count(replicas, 'replica')} again; up to ${hours(replicaHours)}, counted nowhere`,
    )
  return text.join('\n')
}

function paid({ replicaHours, money, currency }: SumView): string {
  return money === null
    ? hours(replicaHours)
    : `${hours(replicaHours)}, ${money.toFixed(money < 1 ? 4 : 2)} ${currency}`
}

/** A minute of one replica is 0.017 of them. */
function hours(value: number): string {
  const text = value > 0 && value < 0.001 ? 'under 0.001' : value.toFixed(value < 10 ? 3 : 1)
  return `${text} replica-hours`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
