/** Bearer tokens. Compared as hashes, in constant time; never logged, never echoed. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import type { MiddlewareHandler } from 'hono'
import { ProblemError } from '../ipc/problem.ts'

/** Who a token belongs to; null for one that nobody has. */
export type Tokens = { actorOf(token: string): string | null }

/** The first token: made once, readable by its owner only. Its actor is the user who started Beryl. */
export function adminToken(file: string, actor: string): Tokens {
  const hash = digest(readOrCreate(file))
  return { actorOf: (token) => (timingSafeEqual(digest(token), hash) ? actor : null) }
}

export function authenticated(tokens: Tokens): MiddlewareHandler<{ Variables: { actor: string } }> {
  return async (context, next) => {
    const header = context.req.header('authorization') ?? ''
    const actor = header.startsWith('Bearer ')
      ? tokens.actorOf(header.slice('Bearer '.length))
      : null
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

function readOrCreate(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    const token = `beryl_${randomBytes(24).toString('base64url')}`
    writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' })
    return token
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
