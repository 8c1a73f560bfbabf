/** `beryl record`: how far the record goes back, and all of it as JSON Lines. */
import { apiClient, reach } from '../../api/client.ts'
import type { ApiClient } from '../../api/client.ts'
import type { Event, RecordView } from '../../api/shapes.ts'
import { nearest } from '../../config/nearest.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, say, writeLine } from '../output.ts'

const pageMax = 1000
const actions = ['show', 'export'] as const

export async function record(
  globals: Globals,
  action = 'show',
  service: string | undefined,
): Promise<number> {
  const which = actions.find((one) => one === action)
  if (which === undefined)
    throw usage(`there is no record ${action}${nearest(action, actions)}`, 'record --help')
  const api = apiClient(reach(globals))
  if (which === 'export') await exportAll(api, globals, service)
  else if (service !== undefined)
    throw usage(`show takes no service, came ${service}`, `history ${service}`)
  else {
    const view = await api.record()
    say(globals.json, view, described(view))
  }
  return exitCodes.done
}

/** An event on each line, oldest first; with --json one document. Nothing that comes in meanwhile is missed or doubled. */
async function exportAll(
  api: ApiClient,
  { json }: Globals,
  service: string | undefined,
): Promise<void> {
  const all: Event[] = []
  for (let after = 0; ;) {
    const events = await api.events(after, service, pageMax)
    if (json) all.push(...events)
    else for (const event of events) await writeLine(JSON.stringify(event))
    if (events.length < pageMax) break
    after = events.at(-1)!.id
  }
  if (json) say(json, { service: service ?? null, events: all }, '')
}

function described(view: RecordView): string {
  const { events, releases, bytes, oldest, keepS, atMostBytes } = view
  const share = Math.round((100 * bytes) / atMostBytes)
  return [
    `${count(events, 'event')} of ${count(releases, 'release')}${oldest === null ? '' : `, from ${time(oldest)} on`}`,
    `${sized(bytes)} of ${sized(atMostBytes)} (${share} %); a release is kept for ${Math.round(keepS / 86_400)} days after its end`,
    'Next: beryl record export > record.jsonl, or beryl backup FILE',
  ].join('\n')
}

function sized(bytes: number): string {
  return bytes < 1024 ** 3
    ? `${(bytes / 1024 ** 2).toFixed(1)} MiB`
    : `${(bytes / 1024 ** 3).toFixed(1)} GiB`
}

function usage(title: string, next: string): ProblemError {
  return new ProblemError({ status: 400, code: 'usage', title, hint: `beryl ${next}` })
}
