/** `${NAME}` in values becomes the environment variable; `$${NAME}` is the text itself. Keys are never touched. */
export type Missing = { path: (string | number)[]; name: string }

export function substitute(
  value: unknown,
  variables: Readonly<Record<string, string | undefined>>,
  /** What is put in; without it, the variable's value. */
  valueOf: (name: string) => string | undefined = (name) => variables[name],
): { value: unknown; missing: Missing[] } {
  const missing: Missing[] = []
  const walk = (one: unknown, path: (string | number)[]): unknown => {
    if (typeof one === 'string') return replace(one, path)
    if (Array.isArray(one)) return one.map((item, index) => walk(item, [...path, index]))
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(
      Object.entries(one).map(([key, item]) => [key, walk(item, [...path, key])]),
    )
  }
  const replace = (text: string, path: (string | number)[]): string =>
    text.replace(/\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, escaped: string, name: string) => {
      if (escaped !== '') return whole.slice(1)
      const found = valueOf(name)
      if (found === undefined) missing.push({ path, name })
      return found ?? ''
    })
  return { value: walk(value, []), missing }
}
