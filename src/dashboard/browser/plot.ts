/** Where the lines of a chart go: numbers in, paths out. Pure. */

export const plotWidth = 600
export const plotHeight = 120

/** A line is broken where there is nothing; a value between two gaps is a dot. @param top the value at the upper edge */
export function pathOf(values: readonly (number | null)[], top: number): string {
  const last = Math.max(1, values.length - 1)
  let path = ''
  let isDown = false
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isDown = false
      continue
    }
    const x = round((index / last) * plotWidth)
    const y = round(plotHeight * (1 - Math.min(1, Math.max(0, value / top))))
    const isAlone = !isDown && values[index + 1] == null
    path += isDown ? `L${x} ${y}` : `M${x} ${y}${isAlone ? 'h.01' : ''}`
    isDown = true
  }
  return path
}

/** The next of 1, 2, 5, 10 … that is not below any of them. */
export function topOf(all: readonly (readonly (number | null)[])[], atLeast: number): number {
  const most = Math.max(atLeast, ...all.flatMap((values) => values.map((value) => value ?? 0)))
  const step = 10 ** Math.floor(Math.log10(most))
  // 2 * 0.1 is not 0.2 in binary: a hair above is not above.
  return [1, 2, 5, 10].map((times) => times * step).find((one) => one >= most * 0.999_999) ?? most
}

/** Where in the width this time lies, null outside of it. */
export function placeOf(when: number, at: readonly number[]): number | null {
  const [first, last] = [at[0], at.at(-1)]
  if (first === undefined || last === undefined || last === first) return null
  const x = ((when - first) / (last - first)) * plotWidth
  return x < 0 || x > plotWidth ? null : round(x)
}

/** Rows of a table that can be read: every so many, the last one always. */
export function rowsOf(count: number, atMost: number): number[] {
  const every = Math.max(1, Math.ceil(count / atMost))
  const rows: number[] = []
  for (let index = count - 1; index >= 0; index -= every) rows.unshift(index)
  return rows
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
