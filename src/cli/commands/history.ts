import { apiClient, reach } from '../../api/client.ts'
import { phaseText, time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function history(globals: Globals, service: string): Promise<number> {
  const releases = await apiClient(reach(globals)).history(service)
  const lines = releases.map(
    (release) =>
      `${release.id.padEnd(5)} ${time(release.at)}  ${`${release.from ?? 'first'} → ${release.version}`.padEnd(16)} ${release.kind.padEnd(8)} by ${release.by}${release.alias === null ? '' : ` as @${release.alias}`}  ${phaseText(release)}`,
  )
  const text = lines.length === 0 ? `${service} has no release yet.` : lines.join('\n')
  say(globals.json, { service, releases }, `${text}\nNext: beryl status ${service}`)
  return exitCodes.done
}
