import { apiClient, reach } from '../../api/client.ts'
import { outcome } from '../describe.ts'
import { codeOf, exitCodes } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'
import { timeoutOf } from './deploy.ts'
import type { WaitOptions } from './deploy.ts'

export async function rollback(
  globals: Globals,
  target: string,
  options: WaitOptions & { to?: string; reason?: string; hard?: boolean },
): Promise<number> {
  const timeoutS = timeoutOf(options)
  const api = apiClient(reach(globals))
  const { to, reason, hard } = options
  const release = await api.rollback(target, { to, reason, hard })
  if (!options.wait) {
    say(
      globals.json,
      release,
      `rollback: ${release.kind === 'rollback' ? `${release.id} brings ${release.version} back` : `${release.id} goes back from ${release.version} to ${release.from}`}\nNext: beryl status ${release.service}`,
    )
    return exitCodes.done
  }
  const last = await follow(api, release.id, {
    json: globals.json,
    timeoutS,
    toTheEnd: release.kind !== 'rollback',
  })
  say(globals.json, last, outcome(last))
  // Rolled back is what was asked for here.
  return last.kind !== 'rollback' && last.phase === 'rolled-back' ? exitCodes.done : codeOf(last)
}
