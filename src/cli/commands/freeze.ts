/** freeze, unfreeze: nothing switches forward meanwhile; a rollback always may. */
import { apiClient, reach } from '../../api/client.ts'
import { duration } from '../../config/units.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function freeze(
  globals: Globals,
  service: string | undefined,
  { reason, for: text }: { reason?: string; for?: string },
): Promise<number> {
  const forS = text === undefined ? undefined : secondsOf(text)
  const frozen = await apiClient(reach(globals)).freeze(service, { reason, forS })
  const until = frozen.until === null ? 'until somebody lifts it' : `until ${time(frozen.until)}`
  say(
    globals.json,
    frozen,
    `freeze: nothing of ${service ?? 'any service'} switches forward ${until}; a rollback always may\nNext: beryl unfreeze${service === undefined ? '' : ` ${service}`}`,
  )
  return exitCodes.done
}

export async function unfreeze(globals: Globals, service: string | undefined): Promise<number> {
  const lifted = await apiClient(reach(globals)).unfreeze(service)
  say(
    globals.json,
    lifted,
    `unfreeze: ${service ?? 'everything'}, which ${lifted.by} had frozen (${lifted.reason})\nNext: beryl status${service === undefined ? '' : ` ${service}`}`,
  )
  return exitCodes.done
}

function secondsOf(text: string): number {
  const parsed = duration.safeParse(text)
  if (parsed.success && parsed.data >= 1) return parsed.data
  throw new ProblemError({
    status: 400,
    code: 'usage',
    title: `--for expects a duration of at least 1s such as 30m or 4h, came ${JSON.stringify(text)}`,
    hint: 'beryl freeze --reason WHY --for 4h',
  })
}
