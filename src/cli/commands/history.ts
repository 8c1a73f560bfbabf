import { apiClient, reach } from '../../api/client.ts'
import { phaseText, time } from '../describe.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say, table } from '../output.ts'

/** A screen or two; all of them where they are asked for. */
const newest = 50

export async function history(
  globals: Globals,
  service: string,
  { all }: { all?: boolean } = {},
): Promise<number> {
  const api = apiClient(reach(globals))
  const releases = await (all === true ? api.wholeHistory(service) : api.history(service, newest))
  const rows = releases.map((release) => [
    release.id,
    time(release.at),
    `${release.from ?? 'first'} → ${release.version}`,
    release.kind,
    `${release.by}${release.alias === null ? '' : ` as @${release.alias}`}`,
    phaseText(release),
  ])
  const lines = table(rows, ['release', 'asked for', 'versions', 'kind', 'by', 'what became of it'])
  const isCut = all !== true && releases.length === newest
  const older = isCut
    ? `\nThe ${newest} newest; with older ones: beryl history ${service} --all`
    : ''
  const text = lines.length === 0 ? `${service} has no release yet.` : `${lines.join('\n')}${older}`
  say(globals.json, { service, releases }, `${text}\nNext: beryl status ${service}`)
  return exitCodes.done
}
