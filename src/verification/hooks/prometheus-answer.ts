/** What `GET /api/v1/query` of Prometheus answers, read into one number. Pure. */
import { short } from '../examination.ts'

export type Value =
  | { value: number }
  /** Nothing there yet: may come with the next scrape. */
  | { missing: string }
  /** Nothing that could be compared, now or later. */
  | { wrong: string }

const shownLength = 200

export function prometheusValue(status: number, body: string): Value {
  const answer = jsonIn(body)
  if (answer === null)
    return {
      wrong: `status ${status}, and not what /api/v1/query answers: ${short(body, shownLength)}`,
    }
  if (answer['status'] !== 'success')
    return { wrong: `it answers an error: ${short(answer['error'] ?? body, shownLength)}` }
  if (status < 200 || status > 299) return { wrong: `status ${status}` }
  // A part of the data may be missing (Thanos, Mimir): what is not there could be the part that fails.
  const { warnings } = answer
  if (Array.isArray(warnings) && warnings.length > 0)
    return { wrong: `it answers with a warning: ${short(warnings[0], shownLength)}` }
  return valueOf(answer['data'])
}

function valueOf(data: unknown): Value {
  const { resultType, result } = (data ?? {}) as { resultType?: unknown; result?: unknown }
  if (resultType === 'scalar') return numberOf(result)
  if (resultType !== 'vector' || !Array.isArray(result))
    return {
      wrong: `expected one number (a scalar, or a vector of one), the query gives ${short(resultType, 40)}`,
    }
  if (result.length === 0) return { missing: 'the query finds nothing' }
  if (result.length > 1)
    return {
      wrong: `expected one number, the query gives ${result.length} series: aggregate them, as with sum(…)`,
    }
  return numberOf((result[0] as { value?: unknown } | null)?.value)
}

/** `[1700000000, "0.5"]` */
function numberOf(sample: unknown): Value {
  const text: unknown = Array.isArray(sample) ? sample[1] : undefined
  if (typeof text !== 'string' || text.trim() === '')
    return { wrong: `expected [time, "number"], came ${short(sample, shownLength)}` }
  if (text === 'NaN') return { missing: 'the query gives NaN (no requests to divide by?)' }
  const value = Number(text)
  return Number.isFinite(value) ? { value } : { wrong: `the query gives ${short(text, 40)}` }
}

function jsonIn(body: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}
