/** Signing in to the dashboard: a token once, then a cookie that scripts cannot read. */
import { Hono } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import { addressOf } from './address.ts'
import { unknownToken, whyUnknown } from './authenticate.ts'
import type { ApiEnv, Tokens } from './authenticate.ts'
import { bodyOf, sessionBody } from './bodies.ts'
import { guessesFrom } from './guesses.ts'
import { isOwnPage, notOwnPage } from './own-page.ts'
import { checkRole } from './rights.ts'
import type { Sessions } from './sessions.ts'

/** Comes before the check of tokens: it is one. */
export function signIn(tokens: Tokens, sessions: Sessions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  const guesses = guessesFrom()
  app.post('/session', async (context) => {
    // Another site must not sign somebody in, as whoever it likes.
    if (!isOwnPage((name) => context.req.header(name), 'POST')) throw notOwnPage()
    const address = addressOf(context)
    const waitS = guesses.waitS(address)
    if (waitS > 0)
      throw new ProblemError({
        status: 429,
        code: 'too-many-guesses',
        title: 'too many wrong tokens came from this address',
        hint: `try again in ${waitS} s; the CLI goes on working`,
        retryAfterS: waitS,
      })
    const { token } = await bodyOf(context.req, sessionBody)
    const holder = tokens.holderOf(token.trim())
    if (holder === null) {
      guesses.wrong(address)
      throw new ProblemError({
        status: 401,
        code: 'unauthenticated',
        title: unknownToken,
        hint: `the first token is in admin.token in the data directory; ${whyUnknown}`,
      })
    }
    guesses.right(address)
    // There is nothing on the pages for who may not look.
    checkRole(holder.role, holder.actor, 'GET /api/v1/session')
    const { actor, role } = holder
    return context.json({ actor, role, until: sessions.begin(context, holder.id).until })
  })
  return app
}

/** For whoever is signed in, by cookie or by token. */
export function session(sessions: Sessions): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  app.get('/session', (context) => {
    const { actor, role, until } = context.get('caller')
    return context.json({ actor, role, until })
  })
  app.delete('/session', (context) => {
    sessions.end(context)
    return context.json({ actor: null, role: null, until: null })
  })
  return app
}
