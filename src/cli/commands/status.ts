import { apiClient, reach } from '../../api/client.ts'
import { describeService, nextStep } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function status(globals: Globals, service: string | undefined): Promise<number> {
  const api = apiClient(reach(globals))
  const views = service === undefined ? await api.services() : [await api.service(service)]
  const text = views.map((view) => {
    const first = view.versions[0]?.version ?? 'VERSION'
    const next =
      view.release !== null
        ? nextStep(view.release)
        : view.live === null
          ? `beryl deploy ${view.service} ${first} --wait`
          : `beryl deploy ${view.service} VERSION --wait`
    return `${describeService(view)}\n  Next: ${next}`
  })
  say(globals.json, service === undefined ? { services: views } : views[0], text.join('\n\n'))
  return exitCodes.done
}
