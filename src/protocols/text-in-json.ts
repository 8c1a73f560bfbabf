/** Changes one text in JSON and moves nothing else: numbers keep their digits, bytes that are no UTF-8 stay. */

/** Under a key of the outermost object. @returns null where that is not there, or says something else */
export function replaced(body: Buffer, key: string, from: string, to: string): Buffer | null {
  // One character for each byte: JSON's own signs are the same in UTF-8.
  const text = body.toString('latin1')
  const place = valueOf(text, key)
  if (place === null) return null
  const written = Buffer.from(text.slice(place.start, place.end), 'latin1').toString()
  if (read(written) !== from) return null
  return Buffer.concat([
    body.subarray(0, place.start),
    Buffer.from(JSON.stringify(to)),
    body.subarray(place.end),
  ])
}

/** Where the text under a key of the outermost object stands, quotes included; of several the last, which is what parsers take. */
function valueOf(text: string, wanted: string): { start: number; end: number } | null {
  let depth = 0
  let key: string | null = null
  let found: { start: number; end: number } | null = null
  for (let at = 0; at < text.length; at++) {
    const sign = text[at]
    if (sign === '{' || sign === '[') depth++
    else if (sign === '}' || sign === ']') depth--
    else if (sign === ',' && depth === 1) key = null
    if (sign !== '"') continue
    const end = endOf(text, at)
    if (end === null) return null
    if (depth === 1 && key === null) key = text.slice(at + 1, end - 1)
    else if (depth === 1 && key === wanted) found = { start: at, end }
    at = end - 1
  }
  return depth === 0 && text.trimStart().startsWith('{') ? found : null
}

/** After its closing quote. */
function endOf(text: string, start: number): number | null {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let slashes = 0
    while (text[at - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return at + 1
  }
  return null
}

function read(written: string): unknown {
  try {
    return JSON.parse(written) as unknown
  } catch {
    return undefined
  }
}
