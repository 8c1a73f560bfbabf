/**
 * Takes what fits an expression out of a text that stands in pieces; the mark goes where it began. Pure.
 * Example: `['my key is s', 'ecr', 'et!']` and `/secret/` → `['my key is [redacted]', '', '!']`.
 */
export function cutOut(
  pieces: readonly string[],
  expressions: readonly RegExp[],
  mark: (value: string) => string,
): string[] {
  return expressions.reduce<string[]>(
    (before, expression) => cutOne(before, expression, mark),
    [...pieces],
  )
}

function cutOne(
  pieces: readonly string[],
  expression: RegExp,
  mark: (value: string) => string,
): string[] {
  const found = [...pieces.join('').matchAll(expression)].filter(([text]) => text !== '')
  if (found.length === 0) return [...pieces]
  let begins = 0
  return pieces.map((piece) => {
    const [from, to] = [begins, begins + piece.length]
    begins = to
    let kept = ''
    let at = from
    for (const { 0: text, index } of found) {
      const end = index + text.length
      if (end <= from || index >= to) continue
      kept += piece.slice(at - from, Math.max(index, from) - from)
      if (index >= from) kept += mark(text)
      at = Math.min(end, to)
    }
    return kept + piece.slice(at - from)
  })
}
