/**
 * A request as RFC 9112 reads it, byte by byte and as obvious as can be: slow, and written apart from the framing that it checks.
 * Stricter than the RFC must be only where this gateway says it is.
 */
export type Parsed = { method: string; target: string; headers: [string, string][]; body: string }

export function parse(bytes: string): Parsed | 'refused' | 'incomplete' {
  let at = 0
  const take = (): string | null => (at < bytes.length ? bytes[at++]! : null)
  /** One line, which must end with CR LF and hold neither alone. */
  const line = (): string | null => {
    let text = ''
    for (;;) {
      const character = take()
      if (character === null) return null
      if (character === '\n') return 'refused'
      if (character === '\r') {
        const next = take()
        if (next === null) return null
        return next === '\n' ? text : 'refused'
      }
      const code = character.charCodeAt(0)
      if ((code < 32 && code !== 9) || code === 127) return 'refused'
      text += character
    }
  }
  if (bytes.startsWith('\r\n')) at = 2
  const first = line()
  if (first === null) return 'incomplete'
  const parts = first.split(' ')
  if (first === 'refused' || parts.length !== 3) return 'refused'
  const [method, target, version] = parts as [string, string, string]
  if (!isToken(method) || target === '' || !/^HTTP\/1\.\d$/.test(version)) return 'refused'
  for (const character of target) if (character <= ' ' || character > '~') return 'refused'
  if (!target.startsWith('/') || target.includes('#')) return 'refused'
  const headers: [string, string][] = []
  for (;;) {
    const text = line()
    if (text === null) return 'incomplete'
    if (text === 'refused') return 'refused'
    if (text === '') break
    const colon = text.indexOf(':')
    if (colon < 1 || !isToken(text.slice(0, colon))) return 'refused'
    headers.push([
      text.slice(0, colon).toLowerCase(),
      text.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, ''),
    ])
  }
  const all = (name: string) => headers.filter(([one]) => one === name).map(([, value]) => value)
  const modern = version !== 'HTTP/1.0'
  if (all('host').length > 1 || (modern && all('host').length === 0)) return 'refused'
  if (all('host').some((host) => !/^[A-Za-z0-9.\-_~%!$&'()*+,;=]*(:[0-9]{0,5})?$/.test(host)))
    return 'refused'
  const codings = all('transfer-encoding')
  const lengths = all('content-length')
  if (codings.length > 1 || (codings[0] ?? 'chunked').toLowerCase() !== 'chunked') return 'refused'
  if (codings.length === 1 && (lengths.length > 0 || !modern)) return 'refused'
  if (lengths.length > 1 || lengths.some((one) => !/^[0-9]{1,15}$/.test(one))) return 'refused'
  if (codings.length === 0) {
    const length = Number(lengths[0] ?? 0)
    if (bytes.length - at < length) return 'incomplete'
    return { method, target, headers, body: bytes.slice(at, at + length) }
  }
  let body = ''
  for (;;) {
    const size = line()
    if (size === null) return 'incomplete'
    const digits = size.split(';')[0]!
    if (size === 'refused' || !/^[0-9A-Fa-f]{1,13}$/.test(digits)) return 'refused'
    const length = Number.parseInt(digits, 16)
    if (length === 0) break
    if (bytes.length - at < length) return 'incomplete'
    body += bytes.slice(at, at + length)
    at += length
    if (bytes.length - at < 1) return 'incomplete'
    if (bytes[at] !== '\r') return 'refused'
    if (bytes.length - at < 2) return 'incomplete'
    if (bytes[at + 1] !== '\n') return 'refused'
    at += 2
  }
  for (;;) {
    const text = line()
    if (text === null) return 'incomplete'
    if (text === 'refused') return 'refused'
    if (text === '') return { method, target, headers, body }
    const colon = text.indexOf(':')
    if (colon < 1 || !isToken(text.slice(0, colon))) return 'refused'
    const name = text.slice(0, colon).toLowerCase()
    if (['content-length', 'transfer-encoding', 'host'].includes(name)) return 'refused'
  }
}

function isToken(text: string): boolean {
  return text !== '' && /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)
}
