/** Looks at everything that an installation needs, in the order in which one would mend it. It changes nothing. */
import { loadManifest } from '../config/load.ts'
import { ManifestError } from '../config/manifest-error.ts'
import type { Loaded } from '../config/load.ts'
import { dataDirectory } from '../ipc/data-directory.ts'
import { version } from '../ipc/version.ts'
import { gpuSlotsOf } from '../providers/process/slots.ts'
import { externalFindings, portFindings } from './addresses.ts'
import { ok, problem } from './finding.ts'
import type { Finding } from './finding.ts'
import { errorFindings } from './last-errors.ts'
import { clockOf, diskOf, nodeFinding, openFilesOf } from './machine.ts'
import { programFindings } from './programs.ts'
import { directoryFinding, ownBeryl, processFindings } from './running.ts'

export async function doctor({ file, data }: { file: string; data: string }): Promise<Finding[]> {
  const directory = dataDirectory(data)
  const home = directoryFinding(directory)
  const machine = [
    nodeFinding(process.versions.node),
    openFilesOf(),
    home,
    await diskOf(directory.root),
    clockOf([directory.database, directory.routes, directory.running]),
  ]
  const { loaded, findings } = await manifestOf(file)
  const isReadable = home.level === 'ok'
  const processes = isReadable
    ? [...(await processFindings(directory, version)), ...errorFindings(directory)]
    : []
  if (loaded === null) return [...machine, ...findings, ...processes]
  const running = isReadable ? ownBeryl(directory) : null
  return [
    ...machine,
    ...findings,
    ...programFindings(loaded.manifest, {
      directory: loaded.directory,
      slots: gpuSlotsOf(process.env),
    }),
    ...(await portFindings(loaded.manifest, running)),
    ...(await externalFindings(loaded.manifest, loaded.directory)),
    ...processes,
  ]
}

/** What is only missing on the disk leaves a manifest that the other checks can go by. */
async function manifestOf(file: string): Promise<{ loaded: Loaded | null; findings: Finding[] }> {
  try {
    const loaded = await loadManifest(file)
    const names = Object.keys(loaded.manifest.services)
    return { loaded, findings: [ok('manifest', `${file}: ${names.join(', ')}; its files exist`)] }
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    const isThere = !error.problems[0]!.message.startsWith('cannot be read')
    const fix = isThere
      ? `mend it, or put there what it names; then beryl validate -f ${file}`
      : 'beryl init writes one, or name yours with -f'
    const findings = error.message.split('\n').map((line) => problem('manifest', line, fix))
    const loaded = await loadManifest(file, { copy: file }).catch(() => null)
    return { loaded, findings }
  }
}
