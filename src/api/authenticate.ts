/** Bearer tokens, compared as hashes, in constant time; never logged, never echoed. The dashboard's pages have a session instead. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { ProblemError } from '../ipc/problem.ts'
import { addressOf } from './address.ts'
import { tooMany } from './limits.ts'
import type { Limiter } from './limits.ts'
import { isOwnPage, notOwnPage } from './own-page.ts'
import { checkRole } from './rights.ts'
import type { Role } from './rights.ts'
import type { Sessions } from './sessions.ts'

/** Whoever holds a token that is good now. `id` is the token's: a name may come again, with another role. */
export type Holder = { id: string; actor: string; role: Role }

/** Null: nobody has it, or it is revoked, or its time is over. */
export type Tokens = {
  holderOf(token: string): Holder | null
  /** As it is now, for sessions and streams that began earlier. */
  holder(id: string): Holder | null
}

/** Who asks, now. */
export type Caller = Holder & {
  /** When the session ends, wall time, ms; null: it is no session. */
  until: number | null
  /** For what lasts longer than one answer: false once the token is revoked, or its time or the session's is over. */
  isStillIn: () => boolean
}

export type ApiEnv = { Variables: { actor: string; caller: Caller } }

/** The first token, which `beryl up` made. Its actor is the user who started Beryl. */
export function adminToken(token: string, actor: string): Tokens {
  const hash = digest(token)
  const holder: Holder = { id: 'admin.token', actor, role: 'admin' }
  return {
    holderOf: (given) => (timingSafeEqual(digest(given), hash) ? holder : null),
    holder: (id) => (id === holder.id ? holder : null),
  }
}

/** The first token needs nothing of the others: it opens the API when the database does not answer. */
export function eitherOf(first: Tokens, others: Tokens): Tokens {
  return {
    holderOf: (token) => first.holderOf(token) ?? others.holderOf(token),
    holder: (id) => first.holder(id) ?? others.holder(id),
  }
}

/** Who asks is known, and has the role that the route needs. */
export function authenticated(
  tokens: Tokens,
  sessions: Sessions,
  limiter: Limiter,
): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const caller = callerWithin(limiter, context, () => callerOf(context, tokens, sessions))
    for (const { method, path } of matchedRoutes(context))
      if (method !== 'ALL')
        checkRole(caller.role, caller.actor, `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    context.set('actor', caller.actor)
    context.set('caller', caller)
    await next()
  }
}

/** Who is not let in may not try without end. Whoever has a good token is let in all the same. */
function callerWithin(limiter: Limiter, context: Context, find: () => Caller): Caller {
  try {
    return find()
  } catch (error) {
    const address = addressOf(context)
    const waitS = limiter.takeS('refused', address)
    if (waitS > 0) throw tooMany(`${address} without a token that is known`, waitS)
    throw error
  }
}

/** @throws ProblemError `unauthenticated`, `cross-site` */
function callerOf(context: Context, tokens: Tokens, sessions: Sessions): Caller {
  const header = context.req.header('authorization') ?? ''
  const session = header === '' ? sessions.of(context) : null
  // The cookie says which token, never which role: that is looked up each time.
  const signedIn = session === null ? null : tokens.holder(session.token)
  if (session !== null && signedIn !== null) {
    if (!isOwnPage((name) => context.req.header(name), context.req.method)) throw notOwnPage()
    const isStillIn = () => sessions.of(context) !== null && tokens.holder(session.token) !== null
    return { ...signedIn, until: session.until, isStillIn }
  }
  // The scheme's name is written as anybody likes (RFC 9110).
  const [, token] = /^bearer +(\S+)$/i.exec(header) ?? []
  const holder = token === undefined ? null : tokens.holderOf(token)
  if (holder === null) {
    throw new ProblemError({
      status: 401,
      code: 'unauthenticated',
      title: header === '' ? 'this needs a token' : unknownToken,
      hint: `send "Authorization: Bearer TOKEN"; the first token is in admin.token in the data directory, or set BERYL_TOKEN${header === '' ? '' : `; ${whyUnknown}`}`,
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
  return { ...holder, until: null, isStillIn: () => tokens.holder(holder.id) !== null }
}

export const unknownToken = 'this token is not known here'
/** For whoever had one. */
export const whyUnknown = 'one that was revoked, or whose time is over, is not known either'

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
