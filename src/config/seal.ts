/** The manifest once more, with secrets by name: what plans are made from, and kept as. */
import { sealed } from '../secrets/by-name.ts'
import { manifest } from './manifest.ts'
import type { Manifest } from './manifest.ts'
import { substitute } from './substitute.ts'

type Path = readonly (string | number)[]

/** Keys whose values are free text that only a replica or a gate reads; all else is read where it is kept. */
const freeText = ['env', 'headers', 'command', 'args', 'run', 'url', 'query']

/**
 * @param written as the file says it, with `${NAME}`
 * @param whole what was read of it, with values
 */
export function sealManifest(
  written: unknown,
  whole: Manifest,
  variables: Readonly<Record<string, string | undefined>>,
): Manifest {
  const leaves = leavesOf(written, []).filter(isFreeText)
  if (leaves.length === 0) return whole
  return parsed(leaves) ?? parsed(leaves.filter((leaf) => parsed([leaf]) !== null)) ?? whole

  function parsed(chosen: readonly Path[]): Manifest | null {
    const places = new Set(chosen.map(String))
    const { value } = substitute(written, variables, (name, path) =>
      places.has(String(path)) ? sealed(name) : variables[name],
    )
    return manifest.safeParse(value).data ?? null
  }
}

function isFreeText(path: Path): boolean {
  return path[0] === 'services' && path.some((key) => freeText.includes(String(key)))
}

/** Places of texts with a `${NAME}` in them. */
function leavesOf(value: unknown, path: Path): Path[] {
  if (typeof value === 'string') return value.includes('${') ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value)
  return entries.flatMap(([key, one]) => leavesOf(one, [...path, key]))
}
