/** What stands in a query, and lists page by page. */
import type { Context } from 'hono'
import { ProblemError } from '../ipc/problem.ts'

const listMax = 1000

/** `after`: `next` of the page before; null: from the beginning. */
export type Page = { after: string | null; limit: number }

/** @throws ProblemError `wrong-query` */
export function pageAsked(context: Context, usual = 100): Page {
  const limit = wholeNumber('limit', context.req.query('limit'), {
    otherwise: usual,
    atMost: listMax,
  })
  return { limit: Math.max(1, limit), after: context.req.query('after') ?? null }
}

/**
 * A page of what is there as a whole, in its order.
 * @throws ProblemError `wrong-query`: what the page before ended with is gone, or never was
 */
export function pageOf<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  { after, limit }: Page,
): { items: Item[]; next: string | null } {
  const before = after === null ? -1 : items.findIndex((item) => keyOf(item) === after)
  if (after !== null && before === -1)
    throw wrongQuery('after', '`next` of the page before (it may be gone: begin again)', after)
  return cut(items.slice(before + 1), keyOf, limit)
}

/** Of what was read from there on, one more than asked for where there is more. */
export function cut<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
  limit: number,
): { items: Item[]; next: string | null } {
  const shown = items.slice(0, limit)
  return { items: shown, next: items.length > limit ? keyOf(shown.at(-1)!) : null }
}

/** @throws ProblemError `wrong-query` */
export function shareOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= 1) return value
  throw wrongQuery(name, 'a share above 0 and up to 1', text)
}

/** @throws ProblemError `wrong-query`: a limit that nobody understood must not become another one */
export function wholeNumber(
  name: string,
  text: string | undefined,
  { otherwise, atMost }: { otherwise: number; atMost: number },
): number {
  if (text === undefined) return otherwise
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value <= atMost) return value
  throw wrongQuery(name, `a whole number from 0 to ${atMost}`, text)
}

export function wrongQuery(name: string, expected: string, text: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'wrong-query',
    title: `${name}: expected ${expected}, came ${JSON.stringify(text.slice(0, 60))}`,
    hint: 'GET /api/v1/openapi.json describes the parameters',
  })
}
