/** What a client's requests have in common, from the header or cookie that the service names. Affinity chooses the replica, never the version. */
import type { TrafficRules } from './control.ts'
import { hashOf } from './hash.ts'
import type { Lines } from './wire/wire.ts'

/** Longer values count by their beginning: what a client sends must not cost more than its request. */
const valueMax = 256
const patterns = new Map<string, RegExp>()

/** @returns null where the request carries none */
export function affinityKey(affinity: TrafficRules['affinity'], lines: Lines): number | null {
  if (affinity === null) return null
  const value = namedBy(affinity, lines)
  return value === null ? null : hashOf(value)
}

/** @returns the value that the header or cookie carries, its beginning where it is long, and null for none or an empty one */
export function namedBy(
  { by, name }: NonNullable<TrafficRules['affinity']>,
  lines: Lines,
): string | null {
  const value = by === 'header' ? headerIn(name, lines) : cookieIn(name, lines)
  return value === null || value === '' ? null : value.slice(0, valueMax)
}

/** The first line of that name. */
export function headerIn(name: string, lines: Lines): string | null {
  return found(`(?:^|\\r\\n)${escaped(name)}:[ \\t]*([^\\r]*?)[ \\t]*\\r\\n`, lines, 'i')
}

/** RFC 6265 §4.2.1: `Cookie: a=1; b=2`. Names differ by case. */
export function cookieIn(name: string, lines: Lines): string | null {
  const cookies = headerIn('cookie', lines)
  return cookies === null ? null : found(`(?:^|;[ \\t]*)${escaped(name)}=([^;]*)`, cookies, '')
}

function found(source: string, text: string, flags: string): string | null {
  let pattern = patterns.get(source)
  if (pattern === undefined) patterns.set(source, (pattern = new RegExp(source, flags)))
  return pattern.exec(text)?.[1] ?? null
}

function escaped(name: string): string {
  return name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
