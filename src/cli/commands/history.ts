import { apiClient, reach } from '../../api/client.ts'
import { phaseText, time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say, table } from '../output.ts'

export async function history(globals: Globals, service: string): Promise<number> {
  const releases = await apiClient(reach(globals)).history(service)
  const rows = releases.map((release) => [
    release.id,
    time(release.at),
    `${release.from ?? 'first'} → ${release.version}`,
    release.kind,
    `${release.by}${release.alias === null ? '' : ` as @${release.alias}`}`,
    phaseText(release),
  ])
  const lines = table(rows, ['release', 'asked for', 'versions', 'kind', 'by', 'what became of it'])
  const text = lines.length === 0 ? `${service} has no release yet.` : lines.join('\n')
  say(globals.json, { service, releases }, `${text}\nNext: beryl status ${service}`)
  return exitCodes.done
}
