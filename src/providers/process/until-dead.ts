import { isAlive } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import { pause } from '../watch-life.ts'

/** Reading one line of /proc is nothing; elsewhere `ps` is run for it. */
const deathPollMs = process.platform === 'linux' ? 300 : 2000

/** For a process that is not our child: its end is seen, not told. */
export async function untilDead(identity: Identity, signal: AbortSignal): Promise<string> {
  while (!signal.aborted && isAlive(identity)) await pause(deathPollMs, signal)
  return 'how is not known: it was started by an earlier controller'
}
