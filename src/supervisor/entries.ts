/** Where the programs of Beryl's own processes lie: TypeScript in a checkout, JavaScript in a package. */
import { fileURLToPath } from 'node:url'
import type { ProcessRole } from '../ipc/data-directory.ts'

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'

const entries: Record<Exclude<ProcessRole, 'supervisor'>, string> = {
  gateway: '../gateway/main',
  controller: '../server',
  examiner: '../verification/main',
}

export function entryOf(role: keyof typeof entries): string {
  return fileURLToPath(new URL(`${entries[role]}.${extension}`, import.meta.url))
}

/** Starts one of them, given its entry. */
export const starter = fileURLToPath(new URL('../../bin/process.js', import.meta.url))
