/**
 * A part of RFC 9535: `$`, `.name`, `['name']`, `[0]`, `[-1]`, `.*`, `[*]`. What is left out (slices, filters,
 * descendants, lists of selectors) is refused by name when the path is read, not when it matters. One thing is added:
 * a name after a dot may hold dashes.
 */
export type JsonPath = (value: unknown) => unknown

export class JsonPathError extends Error {
  override name = 'JsonPathError'
}

type Step = { name: string } | { index: number } | 'all'

/**
 * Reads the value at the one place that the path names, `undefined` where there is none. A path with `*` may name many
 * places and reads the list of what is there, in order, perhaps empty.
 * @throws JsonPathError for a path that it does not understand
 */
export function jsonPath(text: string): JsonPath {
  const steps = stepsOf(text)
  const many = steps.includes('all')
  return (value) => {
    const found = steps.reduce<unknown[]>((values, step) => values.flatMap(taking(step)), [value])
    return many ? found : found[0]
  }
}

const segment =
  /\.(?<name>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*)|\[\s*(?<index>0|-?[1-9]\d*)\s*\]|\[\s*'(?<single>(?:[^'\\]|\\.)*)'\s*\]|\[\s*"(?<double>(?:[^"\\]|\\.)*)"\s*\]|(?<all>\.\*|\[\s*\*\s*\])/y

function stepsOf(text: string): Step[] {
  if (!text.startsWith('$'))
    throw new JsonPathError(`a JSON path begins with $, this one is ${JSON.stringify(text)}`)
  const steps: Step[] = []
  let at = 1
  while (at < text.length) {
    segment.lastIndex = at
    const match = segment.exec(text)
    if (match === null) throw notUnderstood(text, at)
    const { name, index, single, double, all } = match.groups!
    if (all !== undefined) steps.push('all')
    else if (index !== undefined) steps.push({ index: Number(index) })
    else steps.push({ name: name ?? unescaped(text, at, (single ?? double)!) })
    at = segment.lastIndex
  }
  return steps
}

/** Lists, so that "nothing there" and `null` differ. */
function taking(step: Step): (value: unknown) => unknown[] {
  return (value) => {
    if (typeof value !== 'object' || value === null) return []
    if (step === 'all') return Array.isArray(value) ? value : Object.values(value)
    if ('index' in step) {
      if (!Array.isArray(value)) return []
      const index = step.index < 0 ? value.length + step.index : step.index
      return index in value ? [value[index]] : []
    }
    if (Array.isArray(value) || !Object.hasOwn(value, step.name)) return []
    return [(value as Record<string, unknown>)[step.name]]
  }
}

const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** RFC 9535 §2.3.1: the escapes of JSON, and the quotes. */
function unescaped(path: string, at: number, quoted: string): string {
  return quoted.replace(/\\(u[0-9A-Fa-f]{4}|.)/g, (whole, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    const plain = escapes[code] ?? (`'"/\\`.includes(code) ? code : undefined)
    if (plain === undefined)
      throw new JsonPathError(
        `${JSON.stringify(path)}: in the name at place ${at + 1}, ${whole} is no escape of JSON`,
      )
    return plain
  })
}

function notUnderstood(text: string, at: number): JsonPathError {
  const rest = text.slice(at)
  const left = leftOut.find(({ looks }) => looks.test(rest))
  return new JsonPathError(
    `${JSON.stringify(text)}: ${JSON.stringify(rest)} at place ${at + 1} is not understood${left === undefined ? '' : ` (${left.what} are not supported)`}; a path is made of .name, ['name'], [0], [-1] and [*], as in $.choices[0].text`,
  )
}

const leftOut = [
  { looks: /^\.\./, what: 'descendants' },
  { looks: /^\[\s*\?/, what: 'filters' },
  { looks: /^\[[^\]'"]*:/, what: 'slices' },
  { looks: /^\[[^\]]*,/, what: 'lists of selectors' },
]
