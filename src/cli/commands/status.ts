import { apiClient, reach } from '../../api/client.ts'
import type { ApiClient } from '../../api/client.ts'
import type { ServiceView } from '../../api/shapes.ts'
import { nextStep } from '../../api/next-step.ts'
import { describeService, phaseText } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'
import { describeTrouble } from './notifications.ts'

export async function status(globals: Globals, service: string | undefined): Promise<number> {
  const api = apiClient(reach(globals))
  const views = service === undefined ? await api.services() : [await api.service(service)]
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

/** Nothing is being released: then what became of the last attempt is what one comes to see. */
async function lastOf(api: ApiClient, { service, release }: ServiceView): Promise<string> {
  if (release !== null) return ''
  const [last] = await api.history(service, 1)
  return last === undefined ? '' : `\n  last      ${last.id} (${last.version}) ${phaseText(last)}`
}
