/** approve, promote, pause, resume, abort, retry: one request each. */
import { apiClient, reach } from '../../api/client.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { nextStep, phaseText } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

type Act = 'approve' | 'promote' | 'pause' | 'resume' | 'abort' | 'retry'

export async function act(
  globals: Globals,
  command: Act,
  target: string,
  { reason, force }: { reason?: string; force?: string },
): Promise<number> {
  if (force !== undefined && !reason) {
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: '--force skips a gate and needs --reason: both are recorded with your name',
    })
  }
  const release = await apiClient(reach(globals)).command(target, command, { reason, gate: force })
  say(
    globals.json,
    release,
    `${command}: ${release.id} (${release.version}) ${phaseText(release)}\nNext: ${nextStep(release)}`,
  )
  return exitCodes.done
}
