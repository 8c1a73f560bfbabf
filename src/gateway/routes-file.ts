/** The last routes, on disk: the gateway serves by them without anybody's help. Written aside, synced, and moved into place. */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ServiceTable } from './control.ts'

export type SavedRoutes = {
  format: 1
  services: readonly { table: ServiceTable; back: ServiceTable | null }[]
}

/** One service as it stands in the file: made once for each change, not once for every change of another service. */
export function routesText({ table, back }: SavedRoutes['services'][number]): string {
  return JSON.stringify({ table, back })
}

/**
 * @param texts of all services
 * @throws what the disk says; then the old file stands as it was
 */
export function saveRoutes(file: string, texts: readonly string[]): void {
  const aside = `${file}.next`
  const descriptor = openSync(aside, 'w', 0o600)
  try {
    writeSync(descriptor, `{"format":1,"services":[${texts.join(',')}]}`)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  renameSync(aside, file)
  syncDirectory(dirname(file))
}

/** Nothing yet: no routes. @throws when the file is there and cannot be understood: better no gateway than wrong routes. */
export function loadRoutes(file: string): SavedRoutes {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { format: 1, services: [] }
    throw error
  }
  try {
    const routes = JSON.parse(text) as SavedRoutes
    if (routes.format !== 1) throw new Error(`format ${String(routes.format)} is not known here`)
    return routes
  } catch (cause) {
    throw new Error(
      `${file} cannot be read as routes: ${(cause as Error).message}. Move it away: the controller gives the gateway its routes again.`,
      { cause },
    )
  }
}

function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
