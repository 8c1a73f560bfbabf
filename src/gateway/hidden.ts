/**
 * A model server's own controls stand on the port that clients are sent to. However their path is written, no client reaches them.
 * Pure.
 */

/** @param target origin-form, as it came @param hidden paths, e.g. `/sleep` */
export function isHidden(target: string, hidden: readonly string[]): boolean {
  if (hidden.length === 0) return false
  const path = plain(target)
  // What cannot be read is not sent to a server that may read it otherwise.
  return path === null || hidden.some((one) => path === one || path.startsWith(`${one}/`))
}

/** As the most lenient server would read it: decoded twice, no double slashes, no dots, no case, nothing behind `;`. */
function plain(target: string): string | null {
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
