/** What a gate has seen, as far as a reader wants it at once: the worst answers side by side, and what a load was answered in. Pure. */

type Json = Record<string, unknown>

/** In this order, where an example has them. */
const columns = ['request', 'expected', 'live', 'candidate', 'answer', 'at'] as const
const shownMax = 3
const barPx = 160

/** HTML; nothing where the evidence holds neither. @param escaped for all that comes from outside */
export function evidenceShown(evidence: unknown, escaped: (text: string) => string): string {
  if (!isObject(evidence)) return ''
  return examples(listOf(evidence['examples']), escaped) + load(evidence, escaped)
}

function examples(all: readonly Json[], escaped: (text: string) => string): string {
  const few = all.slice(0, shownMax)
  const shown = columns.filter((name) => few.some((one) => one[name] != null))
  if (shown.length === 0) return ''
  const cell = (value: unknown) =>
    escaped(value == null ? '' : typeof value === 'string' ? value : JSON.stringify(value))
  const head = shown.map((name) => `<th>${name === 'at' ? 'where' : name}</th>`).join('')
  const rows = few.map(
    (one) => `<tr>${shown.map((name) => `<td>${cell(one[name])}</td>`).join('')}</tr>`,
  )
  return `<table class="examples"><caption>${few.length} of ${all.length} examples</caption><tr>${head}</tr>${rows.join('')}</table>`
}

/** A bar for each rate that was tried, as long as 95 % of its answers took. */
function load({ held, climbed }: Json, escaped: (text: string) => string): string {
  const steps = [...(isObject(held) ? [held] : []), ...listOf(climbed)].flatMap(
    ({ perSecond, p95Ms }) =>
      typeof perSecond === 'number' && typeof p95Ms === 'number' ? [{ perSecond, p95Ms }] : [],
  )
  const longest = Math.max(1, ...steps.map(({ p95Ms }) => p95Ms))
  const rows = steps.map(
    ({ perSecond, p95Ms }) =>
      `<tr><td>${escaped(perSecond.toFixed(0))}/s</td><td><svg width="${barPx}" height="10" aria-hidden="true"><rect width="${Math.max(2, (barPx * p95Ms) / longest).toFixed(0)}" height="10"/></svg></td><td>${escaped(p95Ms.toFixed(0))} ms</td></tr>`,
  )
  return rows.length === 0
    ? ''
    : `<table class="examples"><caption>95 % of the answers, by rate</caption>${rows.join('')}</table>`
}

function listOf(value: unknown): Json[] {
  return Array.isArray(value) ? value.filter((one) => isObject(one)) : []
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
