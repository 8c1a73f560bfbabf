/** Bearer tokens, compared as hashes, in constant time; never logged, never echoed. The dashboard's pages have a session instead. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import { isOwnPage, notOwnPage } from './own-page.ts'
import type { Sessions } from './sessions.ts'

/** Who a token belongs to; null for one that nobody has. */
export type Tokens = { actorOf(token: string): string | null }

export type ApiEnv = { Variables: { actor: string } }

/** The first token, which `beryl up` made. Its actor is the user who started Beryl. */
export function adminToken(token: string, actor: string): Tokens {
  const hash = digest(token)
  return { actorOf: (given) => (timingSafeEqual(digest(given), hash) ? actor : null) }
}

export function authenticated(tokens: Tokens, sessions: Sessions): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const header = context.req.header('authorization') ?? ''
    const session = header === '' ? sessions.of(context) : null
    if (session !== null) {
      if (!isOwnPage((name) => context.req.header(name), context.req.method)) throw notOwnPage()
      context.set('actor', session.actor)
      return next()
    }
    // The scheme's name is written as anybody likes (RFC 9110).
    const [, token] = /^bearer +(\S+)$/i.exec(header) ?? []
    const actor = token === undefined ? null : tokens.actorOf(token)
    if (actor === null) {
      throw new ProblemError({
        status: 401,
        code: 'unauthenticated',
        title: header === '' ? 'this needs a token' : 'this token is not known here',
        hint: 'send "Authorization: Bearer TOKEN"; the first token is in admin.token in the data directory, or set BERYL_TOKEN',
      })
    }
    // A page that another site opened cannot add this header, but it can be tricked into a name that resolves here.
    if (context.req.header('sec-fetch-site') === 'cross-site') {
      throw new ProblemError({
        status: 403,
        code: 'cross-site',
        title: 'requests from other sites are refused',
      })
    }
    context.set('actor', actor)
    await next()
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
