import { resolve } from 'node:path'
import { whereData } from '../../api/client.ts'
import { down } from '../../supervisor/down.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function downCommand({ data, json }: Globals): Promise<number> {
  const directory = resolve(whereData({ data }))
  const pid = await down(directory)
  say(
    json,
    { stopped: pid, data: directory },
    `Stopped, model servers too.\nNext: beryl up --detach`,
  )
  return exitCodes.done
}
