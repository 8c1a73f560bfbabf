/**
 * A browser adds the cookie to a request whoever wrote the page, and `SameSite=Strict` lets other ports of this machine pass. So a
 * cookie counts only for Beryl's own pages: as the browser says itself (`Sec-Fetch-Site`, which no page can set), or, where it does
 * not (plain http off loopback, old browsers), by an `Origin` that is the host that was asked.
 */
import { ProblemError } from '../ipc/problem.ts'

export type Headers = (name: string) => string | undefined

export function isOwnPage(header: Headers, method: string): boolean {
  const site = header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin' || (site === 'none' && !isWrite(method))
  const origin = header('origin')
  if (origin === undefined) return !isWrite(method)
  return URL.canParse(origin) && new URL(origin).host === header('host')?.toLowerCase()
}

export function notOwnPage(): ProblemError {
  return new ProblemError({
    status: 403,
    code: 'cross-site',
    title: 'a session is taken from the pages of this Beryl only',
    hint: 'programs send "Authorization: Bearer TOKEN" instead; a proxy must pass Host and Origin as they came',
  })
}

function isWrite(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD'
}
