/** One way to write a path, of the many that servers take for the same. Pure. */

/**
 * As the most lenient server would read it: decoded twice, no double slashes, no dots, no case, nothing behind `;`.
 *
 * @param target origin-form, as it came @returns null where it cannot be read
 */
export function plainPath(target: string): string | null {
  let path = target.split(/[?#]/, 1)[0]!
  try {
    path = decodeURIComponent(decodeURIComponent(path))
  } catch {
    return null
  }
  const parts: string[] = []
  for (const part of path.toLowerCase().split(/[/\\]/)) {
    const [name = ''] = part.split(/[?;#\0]/, 1)
    if (name === '..') parts.pop()
    else if (name.trim() !== '' && name !== '.') parts.push(name.trim())
  }
  return `/${parts.join('/')}`
}

/** By whole segments. @param path as `plainPath` has it @param above the same, without a slash at its end */
export function isUnder(path: string, above: string): boolean {
  if (above === '/') return path.startsWith('/')
  return path.startsWith(above) && (path.length === above.length || path[above.length] === '/')
}
