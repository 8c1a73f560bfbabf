import { renameSync, writeFileSync } from 'node:fs'

/** Whoever reads it meanwhile sees the old one or the new one, whole. Readable by this user only. */
export function writeAside(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
