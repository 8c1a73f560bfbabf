/** What the bench prints, and how many goals were missed. */
let missed = 0

export const missedSoFar = (): number => missed

export function title(text: string): void {
  console.log(`\n${text}`)
}

export function row(name: string, figure: string, goal: number | null, value: number): void {
  const held = goal === null ? '' : value <= goal ? `goal ${goal}: held` : `goal ${goal}: MISSED`
  if (goal !== null && value > goal) missed++
  console.log(`  ${name.padEnd(14)} ${figure.padEnd(24)} ${held}`)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

export function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}–${Math.max(...values).toFixed(2)})`
}
