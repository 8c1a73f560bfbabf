/** What the contract promises and this version does not do yet. Refused by name: never accepted and ignored. One table. */

/** Values that the contract knows, by their place in the manifest; `*` stands for any name or index. */
const values: Record<string, readonly string[]> = {
  'services.*.environment.provider': ['docker', 'kubernetes', 'repository'],
}

export type NotBuilt = { path: (string | number)[]; what: string }

export function notBuilt(manifest: unknown): NotBuilt[] {
  const found: NotBuilt[] = []
  walk(manifest, [], found)
  return found
}

function walk(value: unknown, path: (string | number)[], found: NotBuilt[]): void {
  const place = Object.keys(values).find((pattern) => matches(pattern, path))
  if (place !== undefined && typeof value === 'string' && values[place]!.includes(value))
    return void found.push({ path, what: `\`${path.at(-1)}: ${value}\`` })
  if (Array.isArray(value)) value.forEach((one, index) => walk(one, [...path, index], found))
  else if (typeof value === 'object' && value !== null)
    for (const [key, one] of Object.entries(value)) walk(one, [...path, key], found)
}

function matches(pattern: string, path: readonly (string | number)[]): boolean {
  const parts = pattern.split('.')
  return (
    parts.length === path.length &&
    parts.every((part, index) => part === '*' || part === String(path[index]))
  )
}
