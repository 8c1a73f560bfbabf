/** The manifest once more, with secrets by name: what plans are made from, and kept as. */
import { sealed } from '../secrets/by-name.ts'
import type { Manifest, VersionManifest, VersionText } from './manifest.ts'
import { substitute } from './substitute.ts'

type Path = readonly (string | number)[]
type Node = Record<string | number, unknown>

/** Keys whose values are free text that only a replica or a gate reads; all else is read where it is kept. */
const freeText = ['env', 'headers', 'command', 'args', 'run', 'url', 'query', 'down', 'up']

/**
 * @param written as the file says it, with `${NAME}`
 * @param whole what was read of it, with values
 */
export function sealManifest(written: unknown, whole: Manifest): Manifest {
  const copy = structuredClone(whole)
  for (const path of leavesOf(written, [])) {
    // What a service is called says nothing of what it holds.
    const keys = path.slice(2)
    if (path[0] !== 'services' || !keys.some((key) => freeText.includes(String(key)))) continue
    const text = at(written, path) as string
    const kept = at(copy, path.slice(0, -1)) as Node
    kept[path.at(-1)!] = substitute(text, {}, sealed).value
  }
  return copy
}

/** The same for a version that stands beside the manifest. */
export function sealVersion(written: VersionText, whole: VersionManifest): VersionManifest {
  const { env = {}, args = [] } = written
  const kept = substitute({ env, args }, {}, sealed).value as Pick<VersionManifest, 'env' | 'args'>
  return { ...whole, ...kept }
}

/** Places of texts with a `${NAME}` in them. */
function leavesOf(value: unknown, path: Path): Path[] {
  if (typeof value === 'string') return value.includes('${') ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, one]) => leavesOf(one, [...path, key]))
}

function at(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((node, key) => (node as Node)[key], value)
}
