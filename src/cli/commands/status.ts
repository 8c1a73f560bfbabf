import { apiClient, reach } from '../../api/client.ts'
import type { ApiClient } from '../../api/client.ts'
import type { ServiceView } from '../../api/shapes.ts'
import { nextStep } from '../../api/next-step.ts'
import { describeService, phaseText } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { firstLine, paint, say, table } from '../output.ts'
import { describeTrouble } from './notifications.ts'

/** More services than that would not fit on a screen: then each has a line. */
const shownWhole = 4

export async function status(globals: Globals, service: string | undefined): Promise<number> {
  const api = apiClient(reach(globals))
  const views = service === undefined ? await api.services() : [await api.service(service)]
  if (views.length > shownWhole) {
    const told = await api.notifications().then(describeTrouble, () => [])
    say(globals.json, { services: views }, [overview(views), ...told].join('\n\n'))
    return exitCodes.done
  }
  const lasts = await Promise.all(views.map((view) => lastOf(api, view)))
  // An older API knows none, and all else is worth showing.
  const told = await api.notifications().then(describeTrouble, () => [])
  const text = views.map((view, index) => {
    const first = view.versions[0]?.version ?? 'VERSION'
    const next =
      view.release !== null
        ? nextStep(view.release)
        : view.live === null
          ? `beryl deploy ${view.service} ${first} --wait`
          : `beryl deploy ${view.service} VERSION --wait`
    return `${describeService(view)}${lasts[index]}\n  Next: ${next}`
  })
  if (service === undefined) say(globals.json, { services: views }, [...text, ...told].join('\n\n'))
  else {
    // The gateway may be starting again: all else is worth showing without it.
    const open = globals.json ? await api.open(service).catch(() => null) : null
    say(globals.json, { ...views[0]!, open }, [...text, ...told].join('\n\n'))
  }
  return exitCodes.done
}

/** A line for each service; of those that need somebody, why. */
export function overview(views: readonly ServiceView[]): string {
  const rows = views.map(({ service, live, release, queued, wayBack, frozen, problems }) => [
    paint('bold', service),
    live === null ? 'none yet' : `${live.version} on ${live.environment}`,
    wayBack.possible ? `${wayBack.rung}` : 'none',
    [
      ...problems.map((problem) => `${paint('red', 'problem')}: ${firstLine(problem)}`),
      ...(frozen.length > 0 ? [paint('yellow', 'frozen')] : []),
      ...(release === null ? [] : [`${release.id} (${release.version}) ${phaseText(release)}`]),
      ...(queued === null ? [] : [`${queued.id} (${queued.version}) waits`]),
    ].join('; ') || '–',
  ])
  const lines = table(rows, ['service', 'live', 'way back', 'now'])
  return `${lines.join('\n')}\nNext: beryl status SERVICE`
}

/** Nothing is being released: then what became of the last attempt is what one comes to see. */
async function lastOf(api: ApiClient, { service, release }: ServiceView): Promise<string> {
  if (release !== null) return ''
  const [last] = await api.history(service, 1)
  return last === undefined ? '' : `\n  last      ${last.id} (${last.version}) ${phaseText(last)}`
}
