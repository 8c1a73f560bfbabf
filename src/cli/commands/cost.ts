/** `beryl cost`: the ledger, and what blue-green added over a single environment. */
import { apiClient, reach } from '../../api/client.ts'
import type { AddedView, CostView, SumView } from '../../api/shapes.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, paint, say, table } from '../output.ts'

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
  const { spot } = view
  const more = (sum: AddedView) =>
    sum.replicaHours === 0 && sum.placeHours === undefined
      ? 'nothing'
      : `${paid(sum)}: ${sum.share === null ? 'nothing was live meanwhile' : `+${percent(sum.share)} on ${hours(sum.over)}`}`
  const title = paint('bold', service)
  if (lines.length === 0 && gaps.length === 0) return `${title}  nothing has run yet`
  const text = [`${title}  ${paid(total)} in all`]
  text.push(
    ...table(
      lines.map(({ release, version, environment, role, pool, spot: isOnSpot, ...sum }) => [
        `  ${release}`,
        version,
        environment,
        pool === undefined ? (isOnSpot ? `${role}, spot` : role) : `${role} in ${pool}`,
        ...paidIn(sum),
      ]),
    ),
    ...(spot.replicaHours === 0 ? [] : [`  spot capacity: ${paid(spot)}${savedText(spot)}`]),
    '  what blue-green added over a single environment',
    ...table([
      ...releases
        .filter(({ added: own }) => own.replicaHours > 0 || own.placeHours !== undefined)
        .map(({ release, added: own }) => [`    ${release}`, more(own)]),
      ['    30 days', more(last30Days.added)],
      ['    in all', more(added)],
      ...months.map(({ month, added: own, savedHours }) => [
        `    ${month}`,
        `${more(own)}${savedHours > 0 ? `; lower rungs saved ${hours(savedHours)}` : ''}`,
      ]),
    ]),
  )
  if (rungs.length > 0) text.push('  what each rung of a standby kept, and saved')
  text.push(
    ...table(
      rungs.map(({ release, rung, hours: stood, kept, saved }) => [
        `    ${release}`,
        rung,
        `${stood.toFixed(stood < 10 ? 2 : 1)} h`,
        `kept ${paid(kept)}`,
        `saved ${saved.replicaHours === 0 && !saved.money ? 'nothing' : paid(saved)}`,
      ]),
    ),
  )
  const asked = releases.filter(({ requests }) =>
    Object.values(requests).some((number) => number > 0),
  )
  if (asked.length > 0) text.push('  requests beside those of clients')
  text.push(
    ...table(
      asked.map(({ release, requests }) => [
        `    ${release}`,
        `${requests.mirrored} mirrored`,
        `${requests.replayed} replayed`,
        `${requests.judged} judged`,
        `${requests.golden} of golden sets`,
        `${requests.load} of load`,
      ]),
    ),
  )
  const spoken = releases.flatMap(({ release, tokens, judgeTokens }) => [
    ...(tokens === null ? [] : [[`    ${release}`, 'its versions', tokensText(tokens)]]),
    ...(judgeTokens === null ? [] : [[`    ${release}`, 'judges', tokensText(judgeTokens)]]),
  ])
  if (spoken.length > 0) text.push('  tokens beside those of clients')
  text.push(...table(spoken))
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

function savedText({ saved, currency }: CostView['spot']): string {
  if (saved === null) return ''
  const amount = `${Math.abs(saved).toFixed(Math.abs(saved) < 1 ? 4 : 2)} ${currency}`
  return saved < 0 ? `; ${amount} dearer than on demand` : `; it saved ${amount} against on demand`
}

function paidIn(sum: SumView): string[] {
  return paid(sum).split(', ')
}

function tokensText({
  asked,
  written,
  estimated,
  askedNotKnown,
  writtenNotKnown,
}: NonNullable<CostView['releases'][number]['tokens']>): string {
  const gaps = [
    ...(askedNotKnown === 0 ? [] : [count(askedNotKnown, 'request')]),
    ...(writtenNotKnown === 0 ? [] : [count(writtenNotKnown, 'answer')]),
  ]
  const guess = estimated === 0 ? '' : ` (${estimated} of them estimated from streams)`
  const missing = gaps.length === 0 ? '' : `; not known of ${gaps.join(' and ')}`
  return `${asked} asked, ${written} written${guess}${missing}`
}

function paid({ replicaHours, placeHours, money, currency }: SumView): string {
  const text =
    placeHours === undefined
      ? hours(replicaHours)
      : replicaHours === 0
        ? hours(placeHours, 'place')
        : `${hours(replicaHours)} and ${hours(placeHours, 'place')}`
  return money === null ? text : `${text}, ${money.toFixed(money < 1 ? 4 : 2)} ${currency}`
}

/** A minute of one replica is 0.017 of them. */
function hours(value: number, of = 'replica'): string {
  const text = value > 0 && value < 0.001 ? 'under 0.001' : value.toFixed(value < 10 ? 3 : 1)
  return `${text} ${of}-hours`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
