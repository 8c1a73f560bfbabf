import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'

/** Whoever reads it meanwhile sees the old one or the new one, whole. Readable by this user only. */
export function writeAside(file: string, text: string): void {
  prepareAside(file, text)()
}

/** What can fail for want of space is done; the answer puts it in place. */
export function prepareAside(file: string, text: string): () => void {
  const aside = openSync(`${file}.new`, 'w', 0o600)
  try {
    writeSync(aside, text)
    fsyncSync(aside)
  } finally {
    closeSync(aside)
  }
  return () => renameSync(`${file}.new`, file)
}
