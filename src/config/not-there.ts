/** Files that the manifest names. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CrossProblem } from './cross-problem.ts'

const kinds = { file: 'a file', directory: 'a directory', either: 'a file or directory' } as const

export async function notThere(
  path: (string | number)[],
  file: string,
  wanted: keyof typeof kinds,
): Promise<CrossProblem[]> {
  const problem = (found: string) => [
    { path, message: `expected ${kinds[wanted]}, there is ${found} at ${file}` },
  ]
  const found = await stat(file).catch(() => null)
  if (found === null) return problem('none')
  if (wanted === 'file' && found.isDirectory()) return problem('a directory')
  if (wanted === 'directory' && !found.isDirectory()) return problem('a file')
  return []
}

/** Names without a / are looked for on PATH, wherever Beryl runs; placeholders are filled in later. @param directory where it runs */
export async function programThere(
  path: string[],
  file: string,
  directory: string,
): Promise<CrossProblem[]> {
  if (!file.includes('/') || file.includes('{')) return []
  return notThere(path, resolve(directory, file), 'file')
}
