import { loadManifest } from '../../config/load.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

export async function validate({ json }: Globals, { file }: { file: string }): Promise<number> {
  const { manifest } = await loadManifest(file)
  const services = Object.entries(manifest.services).map(([service, { versions }]) => ({
    service,
    versions: Object.keys(versions),
  }))
  const list = services
    .map(({ service, versions }) => `  ${service}: ${versions.join(', ')}`)
    .join('\n')
  say(
    json,
    { valid: true, file, services },
    `${file} is valid.\n${list}\nNext: beryl up -f ${file}`,
  )
  return exitCodes.done
}
