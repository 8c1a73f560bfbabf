/** What differs between two versions: files by their digests, arguments, names of variables, what is expected. Pure. */
import type { FileEntry, VersionContent } from './digest.ts'

/** `null`: it is not there. */
export type FileChange = {
  key: string
  path: string
  from: { size: number; sha256: string } | null
  to: { size: number; sha256: string } | null
}

export type VersionDiff = {
  /** Only files that differ; `same`: how many do not. */
  files: readonly FileChange[]
  same: number
  args: { from: readonly string[]; to: readonly string[] } | null
  /** By name: values are kept nowhere. */
  env: readonly { name: string; change: 'added' | 'removed' | 'changed' }[]
  expects: readonly { name: string; from: number | null; to: number | null }[]
}

export function diffOf(from: VersionContent, to: VersionContent): VersionDiff {
  const [before, after] = [byName(from.files), byName(to.files)]
  const names = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  const changed = names.filter((name) => before.get(name)?.sha256 !== after.get(name)?.sha256)
  const isSameArgs = JSON.stringify(from.args) === JSON.stringify(to.args)
  return {
    files: changed.map((name) => {
      const [old, new_] = [before.get(name), after.get(name)]
      const { key, path } = (old ?? new_)!
      return { key, path, from: shown(old), to: shown(new_) }
    }),
    same: names.length - changed.length,
    args: isSameArgs ? null : { from: from.args, to: to.args },
    env: namesIn(from.env, to.env)
      .filter((name) => from.env[name] !== to.env[name])
      .map((name) => ({
        name,
        change: !(name in from.env) ? 'added' : name in to.env ? 'changed' : 'removed',
      })),
    expects: namesIn(from.expects, to.expects)
      .filter((name) => from.expects[name] !== to.expects[name])
      .map((name) => ({
        name,
        from: from.expects[name] ?? null,
        to: to.expects[name] ?? null,
      })),
  }
}

function byName(files: readonly FileEntry[]): Map<string, FileEntry> {
  return new Map(files.map((file) => [`${file.key}\0${file.path}`, file]))
}

function shown(file: FileEntry | undefined): FileChange['from'] {
  return file === undefined ? null : { size: file.size, sha256: file.sha256 }
}

function namesIn(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].toSorted()
}
