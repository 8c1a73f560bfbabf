/**
 * Secrets stand in the journal by name, never by value (rulings §13): `${TOKEN}` of the manifest stays a mark until the moment of
 * use, when a process is started or a gate begins. Whoever reads the database, or a backup of it, learns which variable it was.
 */

/** Two characters for private use (Unicode, planes 15 and 16) that nobody types. */
const [opens, closes] = ['\u{F0B00}', '\u{F0B01}']
const mark = new RegExp(`${opens}([A-Za-z_][A-Za-z0-9_]*)${closes}`, 'gu')

type Variables = Readonly<Record<string, string | undefined>>

/** What stands for the value of this environment variable. */
export function sealed(name: string): string {
  return `${opens}${name}${closes}`
}

/** Every mark in a value of JSON becomes the variable's value. @throws Error that names a variable which is not set */
export function unsealed<Value>(value: Value, variables: Variables = process.env): Value {
  return walk(value, variables) as Value
}

function walk(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string')
    return value.replace(mark, (_, name: string) => of(name, variables))
  if (Array.isArray(value)) return value.map((one) => walk(one, variables))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one, variables)]))
}

function of(name: string, variables: Variables): string {
  const value = variables[name]
  if (value !== undefined) return value
  throw new Error(
    `the environment variable ${name} is not set, and the manifest that this was begun with asks for it: set it, and start \`beryl up\` again`,
  )
}
