/** approve, promote, pause, resume, abort, retry: one request each. */
import { apiClient, reach } from '../../api/client.ts'
import type { ReleaseView } from '../../api/shapes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { nextStep } from '../../api/next-step.ts'
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
      hint: `beryl approve ${target} --force ${force} --reason WHY`,
    })
  }
  const release = await apiClient(reach(globals)).command(target, command, { reason, gate: force })
  say(
    globals.json,
    release,
    `${command}: recorded for ${release.id} (${release.version}), which is ${release.phase}\nNext: ${next(command, release)}`,
  )
  return exitCodes.done
}

/** The answer is of the moment the command was saved: what it brings about is seen a moment later. */
function next(command: Act, release: ReleaseView): string {
  if (command === 'pause') return `beryl resume ${release.id}`
  if (command === 'approve' && release.phase !== 'awaiting-approval') return nextStep(release)
  return `beryl status ${release.service}`
}
