/** Where the Beryl of a data directory is, for whoever looks for it. */
import { readFileSync } from 'node:fs'
import type { DataDirectory } from '../ipc/data-directory.ts'

/** What `running.json` holds, for whoever looks for this Beryl. */
export type RunningBeryl = {
  url: string
  gateway: string
  preview: string | null
  pid: number
  /** Of the Beryl that runs; absent: one from before it was written down. */
  version?: string
  /** The certificate that the API shows, a file: whoever reads this may trust it. */
  cert?: string
}

export function runningIn({ running }: Pick<DataDirectory, 'running'>): RunningBeryl | null {
  try {
    return JSON.parse(readFileSync(running, 'utf8')) as RunningBeryl
  } catch {
    return null
  }
}
