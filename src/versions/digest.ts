/** One SHA-256 over everything that makes a version what it is: names, contents and settings, in a canonical form. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, resolve, sep } from 'node:path'
import { fileKeys } from '../config/manifest.ts'
import type {
  EnvironmentManifest,
  ProcessEnvironment,
  VersionManifest,
} from '../config/manifest.ts'
import { isReference } from '../config/reference.ts'
import type { Speaks } from '../config/speaks.ts'

export type FileEntry = { key: string; path: string; size: number; sha256: string }

const filesMax = 100_000

/** What a version is, without the environment that runs it. Values of variables are never written down, only their hash. */
export type VersionContent = {
  files: FileEntry[]
  args: readonly string[]
  env: Record<string, string>
  expects: Record<string, number>
}

/** @param directory what relative paths are relative to @throws Error naming the file that cannot be read or is neither file nor directory */
export async function contentOf(
  version: VersionManifest,
  directory: string,
): Promise<VersionContent> {
  const files: FileEntry[] = []
  for (const key of fileKeys) {
    const path = version[key]
    if (path === undefined) continue
    if (isReference(path)) files.push(referenceEntry(key, path))
    else files.push(...(await entriesOf(key, resolve(directory, path))))
  }
  return { files, args: version.args, env: hashedValues(version.env), expects: version.expects }
}

/** What a version was accepted with does not change what it is. */
export function versionDigest({ files, args, env }: VersionContent): string {
  return digestOf({ files, args, env: sorted(env) })
}

/**
 * Version and environment template together: what a release is of. Replicas, prices and time limits are not part of it.
 *
 * @param name of the version: where nothing of it is known but its name, that is what it is
 */
export function bundleDigest(
  content: VersionContent,
  environment: EnvironmentManifest,
  { speaks, name }: { speaks?: Speaks; name: string },
): string {
  const { provider, ready } = environment
  const looks = {
    ready: ready.path,
    // Left out where they say nothing: digests from before there were such keys stay as they are.
    ...(ready.model === undefined ? {} : { model: ready.model }),
    ...(ready.version === undefined ? {} : { version: ready.version }),
    speaks,
  }
  if (provider === 'external') {
    const { blue, green } = environment
    return digestOf({ version: name, environment: { provider, blue, green, ...looks } })
  }
  const { command, env, directory, gpus, spot } = environment
  return digestOf({
    version: versionDigest(content),
    environment: {
      provider,
      command,
      env: sorted(hashedValues(env)),
      directory,
      gpus,
      ...(spot === undefined ? {} : { spot: startedOnSpot(spot) }),
      ...looks,
    },
  })
}

/** What it is started with there; when it is asked for again is no part of it. */
function startedOnSpot({ command, env, gpus }: NonNullable<ProcessEnvironment['spot']>) {
  return { command, env: sorted(hashedValues(env)), gpus }
}

function digestOf(value: unknown): string {
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`
}

async function entriesOf(key: string, root: string): Promise<FileEntry[]> {
  const what = await stat(root)
  if (what.isFile()) return [await entry(key, '', root, what.size)]
  if (!what.isDirectory()) throw new Error(`${root} is neither a file nor a directory`)
  const home = await realpath(root)
  const entries: FileEntry[] = []
  for (const path of await pathsIn(root)) {
    const kind = await lstat(path)
    const target = kind.isSymbolicLink() ? await realpath(path) : path
    if (kind.isSymbolicLink() && !(target + sep).startsWith(home + sep))
      throw new Error(
        `${path} links to ${target}, outside of the version: a version must hold all it needs`,
      )
    const real = await stat(target)
    const name = relative(root, path).split(sep).join('/')
    if (real.isDirectory()) entries.push(linkEntry(key, name, relative(home, target)))
    else if (real.isFile()) entries.push(await entry(key, name, target, real.size))
    else throw new Error(`${path} is neither a file nor a directory`)
  }
  return entries
}

/** All but directories, in order. Links are not walked through: two that lead in a circle would never end. */
async function pathsIn(root: string): Promise<string[]> {
  const found: string[] = []
  const open = [root]
  for (let directory = open.pop(); directory !== undefined; directory = open.pop()) {
    for (const one of await readdir(directory, { withFileTypes: true })) {
      const path = join(directory, one.name)
      if (one.isDirectory()) open.push(path)
      else found.push(path)
    }
    if (found.length + open.length > filesMax)
      throw new Error(`${root} holds more than ${filesMax} files; no more can belong to a version`)
  }
  return found.toSorted()
}

/** What lies in the directory is counted where it is; that this name leads there is part of the version too. */
function linkEntry(key: string, path: string, target: string): FileEntry {
  const to = target.split(sep).join('/')
  return { key, path, size: 0, sha256: createHash('sha256').update(`link ${to}`).digest('hex') }
}

/** What is pinned is what its text says: the bytes are somebody else's to keep. */
function referenceEntry(key: string, reference: string): FileEntry {
  const sha256 = createHash('sha256').update(`reference ${reference}`).digest('hex')
  return { key, path: reference, size: 0, sha256 }
}

async function entry(key: string, path: string, file: string, size: number): Promise<FileEntry> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  return { key, path, size, sha256: hash.digest('hex') }
}

function hashedValues(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [
      name,
      createHash('sha256').update(value).digest('hex'),
    ]),
  )
}

function sorted(env: Record<string, string>): [string, string][] {
  return Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
