/**
 * The part of RFC 9535 that names one place: `$`, `.name`, `['name']`, `[0]`, `[-1]`. Anything that may name many places
 * is refused when it is read, not when it matters.
 */
export type JsonPath = (value: unknown) => unknown

export class JsonPathError extends Error {
  override name = 'JsonPathError'
}

/** Reads `undefined` where the place is not there. @throws JsonPathError for a path that it does not understand */
export function jsonPath(text: string): JsonPath {
  if (!text.startsWith('$'))
    throw new JsonPathError(`a JSON path begins with $, this one is ${JSON.stringify(text)}`)
  const steps: (string | number)[] = []
  const segment =
    /\.([A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)|\[(-?\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y
  segment.lastIndex = 1
  while (segment.lastIndex < text.length) {
    const at = segment.lastIndex
    const match = segment.exec(text)
    if (match === null) {
      throw new JsonPathError(
        `${JSON.stringify(text)}: ${JSON.stringify(text.slice(at))} at place ${at + 1} is not understood; a path names one place, as in $.choices[0].text`,
      )
    }
    const [, name, index, single, double] = match
    steps.push(
      index !== undefined ? Number(index) : (name ?? (single ?? double)!.replace(/\\(.)/g, '$1')),
    )
  }
  return (value) => steps.reduce<unknown>(step, value)
}

function step(value: unknown, key: string | number): unknown {
  if (typeof key === 'number') return Array.isArray(value) ? value.at(key) : undefined
  return typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined
}
