/** `beryl explain`: everything that became of one release, who did it, and the evidence it went by. */
import { apiClient, reach } from '../../api/client.ts'
import type { Event, ReleaseView } from '../../api/shapes.ts'
import { nextStep } from '../../api/next-step.ts'
import { describeRelease, signalText, time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { firstLine, paint, say, table } from '../output.ts'

export async function explain(globals: Globals, id: string): Promise<number> {
  const { release, events } = await apiClient(reach(globals)).report(id)
  const report = { release, events }
  say(globals.json, report, explainText(report))
  return exitCodes.done
}

export function explainText({
  release,
  events,
}: {
  release: ReleaseView
  events: readonly Event[]
}): string {
  const { cost, feedback, approvals } = release
  const lines = [`${paint('bold', release.service)}  ${release.kind} by ${release.by}`]
  lines.push(...describeRelease(release))
  if (release.watch !== null && !['switching', 'watching'].includes(release.phase))
    for (const one of release.watch.evidence.signals) lines.push(`signal    ${signalText(one)}`)
  for (const { by, at, reason } of approvals)
    lines.push(`approved  by ${by}, ${time(at)}${reason === null ? '' : `: ${reason}`}`)
  for (const { kind, count, mean } of feedback)
    lines.push(`feedback  ${kind}: ${count}${mean === null ? '' : `, mean ${mean.toFixed(3)}`}`)
  if (cost !== null) {
    const money = cost.money === null ? '' : `, ${cost.money.toFixed(2)} ${cost.currency}`
    lines.push(`cost      ${cost.replicaHours.toFixed(3)} replica-hours${money}`)
  }
  lines.push('record')
  const rows = table(events.map(({ at, by, text }) => [`  ${time(at)}`, by, firstLine(text)]))
  for (const [index, { text }] of events.entries())
    lines.push(
      rows[index]!,
      ...text
        .split('\n')
        .slice(1)
        .map((one) => `    ${one}`),
    )
  return `${lines.join('\n')}\nNext: ${nextStep(release)}`
}
