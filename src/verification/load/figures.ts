/** What was measured at one rate. Pure. */
export type Figures = {
  perSecond: number
  planned: number
  /** Fewer than planned: it was stopped when it could not be kept any more. */
  sent: number
  errors: number
  errorKinds: { error: string; times: number }[]
  /** From when each was due to its last byte; null: no answer. */
  p50Ms: number | null
  p95Ms: number | null
  p99Ms: number | null
  maxMs: number | null
  /** Of streamed answers; null where none were. */
  firstTokenP95Ms: number | null
  /** How late the examiner itself was. */
  lagP95Ms: number
}

export type Limits = { p95Ms: number; firstTokenMs: number | null; errors: number }

/** Sorted ascending; Infinity stands for no answer. @returns the smallest value that this share does not exceed */
export function quantile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length === 0) return null
  // 0.95 * 20 is a little more than 19.
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length - 1e-9) - 1)]!
  return Number.isFinite(value) ? value : null
}

/** Null, or the limit that was missed. */
export function missedBy(
  { sent, errors, p95Ms, firstTokenP95Ms }: Figures,
  limits: Limits,
): string | null {
  if (errors > limits.errors * sent + 1e-9)
    return `at most ${percent(limits.errors)} errors are asked`
  if (p95Ms === null || p95Ms > limits.p95Ms) return `95 % within ${limits.p95Ms} ms are asked`
  if (limits.firstTokenMs === null) return null
  if (firstTokenP95Ms === null) return 'a first token is asked for, and no answer was streamed'
  return firstTokenP95Ms > limits.firstTokenMs
    ? `95 % of the first tokens within ${limits.firstTokenMs} ms are asked`
    : null
}

export function told({
  perSecond,
  sent,
  planned,
  errors,
  errorKinds,
  p95Ms,
  firstTokenP95Ms,
}: Figures): string {
  const share = sent === 0 ? 0 : errors / sent
  const [most] = errorKinds
  return [
    `at ${rate(perSecond)} 95 % of ${sent === planned ? '' : `the first ${sent} of `}${planned} are answered ${p95Ms === null ? 'not at all' : `within ${ms(p95Ms)}`}`,
    firstTokenP95Ms === null ? [] : `first tokens ${ms(firstTokenP95Ms)}`,
    `${percent(share)} errors${most === undefined ? '' : ` (${most.error})`}`,
  ]
    .flat()
    .join(', ')
}

export function rate(perSecond: number): string {
  return `${Math.round(perSecond * 10) / 10}/s`
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}

function percent(value: number): string {
  return `${Math.round(value * 10_000) / 100} %`
}
