/** notifications: who is told, what is waiting or was given up; `retry` sends it again. */
import { apiClient, reach } from '../../api/client.ts'
import type { NotificationsView } from '../../api/shapes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { count, firstLine, paint, say, table } from '../output.ts'

export async function notifications(globals: Globals, action = 'list'): Promise<number> {
  const api = apiClient(reach(globals))
  if (action === 'retry') {
    const done = await api.retryNotifications()
    const text = `retry: ${count(done.retried, 'dead letter')} again, and what was waiting, now`
    say(globals.json, done, `${text}\nNext: beryl notifications`)
    return exitCodes.done
  }
  if (action !== 'list')
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: `notifications: expected list or retry, came ${JSON.stringify(action)}`,
      hint: 'beryl notifications --help',
    })
  const view = await api.notifications()
  say(globals.json, view, describe(view))
  return exitCodes.done
}

function describe({ receivers, dead }: NotificationsView): string {
  if (receivers.length === 0)
    return 'Nobody is told: the manifest has no `notifications`.\nNext: docs/notifications.md shows how'
  const lines = receivers.flatMap((one) => [
    `${paint('bold', one.to)}  ${one.format}, ${one.id}`,
    `  on        ${one.on.join(', ')}`,
    `  ${receiverText(one)}`,
  ])
  const letters = table(
    dead.map(({ receiver, event, told, text, tries, because }) => [
      `  ${paint('red', 'dead')}`,
      receiver,
      `event ${event}, ${told}`,
      `tried ${count(tries, 'time')}`,
      `${firstLine(text)} (${because})`,
    ]),
  )
  const next = dead.length > 0 ? 'beryl notifications retry' : 'beryl status'
  return [...lines, ...letters, `Next: ${next}`].join('\n')
}

type Receiver = NotificationsView['receivers'][number]

function receiverText({ waiting, since, dead, because }: Receiver): string {
  if (waiting === 0 && dead === 0) return 'all of it was taken'
  const open = since === null ? '' : `${waiting} not taken yet since ${time(since)}`
  const lost = dead === 0 ? '' : `${dead} given up`
  const why = because === null ? '' : ` (${because})`
  return `${[open, lost].filter((one) => one !== '').join(', ')}${why}`
}

/** For `status`: those that something is wrong with. */
export function describeTrouble({ receivers }: NotificationsView): string[] {
  return receivers
    .filter(({ dead, because }) => dead > 0 || because !== null)
    .map((one) => `${paint('red', 'notifications')} ${one.to}: ${receiverText(one)}`)
}
