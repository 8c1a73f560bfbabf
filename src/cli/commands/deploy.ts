import { apiClient, reach } from '../../api/client.ts'
import { duration } from '../../config/units.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { outcome, phaseText } from '../describe.ts'
import { codeOf, exitCodes } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export type WaitOptions = { wait?: true; timeout?: string }

export async function deploy(
  globals: Globals,
  kind: 'deploy' | 'verify',
  service: string,
  version: string,
  options: WaitOptions & { replace: boolean; keepStandby: boolean; replicas?: string },
): Promise<number> {
  const timeoutS = timeoutOf(options)
  const api = apiClient(reach(globals))
  const { replace, keepStandby } = options
  const replicas = replicasOf(options.replicas)
  const release = await api.deploy(service, { version, kind, replace, keepStandby, ...replicas })
  if (!options.wait) {
    say(
      globals.json,
      release,
      `${release.id}: ${kind} ${release.version}${release.alias === null ? '' : ` (@${release.alias})`} of ${service}, ${phaseText(release)}\nNext: beryl status ${service}`,
    )
    return exitCodes.done
  }
  const last = await follow(api, release.id, { json: globals.json, timeoutS, toTheEnd: false })
  say(globals.json, last, outcome(last))
  return codeOf(last)
}

/** @throws ProblemError for something that is no duration, or a time-out of nothing */
export function timeoutOf({ wait, timeout: text }: WaitOptions): number | null {
  if (text === undefined) return null
  if (!wait)
    throw new ProblemError({
      status: 400,
      code: 'usage',
      title: '--timeout says how long --wait waits: give both, or neither',
    })
  const parsed = duration.safeParse(text)
  if (parsed.success) return parsed.data
  throw new ProblemError({
    status: 400,
    code: 'usage',
    title: `--timeout expects a duration such as 30s or 10m, came ${JSON.stringify(text)}`,
  })
}

function replicasOf(text: string | undefined): { replicas?: number } {
  if (text === undefined) return {}
  if (/^[1-9]\d{0,2}$/.test(text)) return { replicas: Number(text) }
  throw new ProblemError({
    status: 400,
    code: 'usage',
    title: `--replicas expects a whole number such as 1, came ${JSON.stringify(text)}`,
  })
}
