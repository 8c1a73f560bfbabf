import { resolve } from 'node:path'
import { whereData } from '../../api/client.ts'
import { dataDirectory } from '../../ipc/data-directory.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { askToRestartGateway } from '../../supervisor/control.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function restart({ data, json }: Globals, which: string): Promise<number> {
  if (which !== 'gateway')
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: `only the gateway can be restarted by itself, not ${which}`,
      hint: 'beryl restart gateway; beryl up --take-over starts controller and examiner anew too',
    })
  const directory = resolve(whereData({ data }))
  const { from, to } = await askToRestartGateway(dataDirectory(directory))
  const text = [
    `The gateway was started anew (pid ${from} → ${to}): the new one listens on the same sockets.`,
    `The one before ends what it has begun, within a minute; until then no release switches, and a rollback goes on.`,
    'Next: beryl status',
  ]
  say(json, { from, to, data: directory }, text.join('\n'))
  return exitCodes.done
}
