/**
 * The session of a signed-in page: a signed cookie, so that a controller that was killed and started again still knows it.
 * It holds which token and until when: no role, and nothing that opens the API by another way.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'

/** `token`: its id. */
export type Session = { token: string; /** Wall time, ms. */ until: number }
export type Sessions = ReturnType<typeof sessionsBy>

/** Whoever is on call signs in once a day. */
const sessionMs = 24 * 3600 * 1000

/** @param secret the admin token: a new one ends every session */
export function sessionsBy(secret: string, now: () => number = Date.now) {
  const key = createHmac('sha256', secret).update('a session of the dashboard of Beryl').digest()
  const sign = (text: string) => createHmac('sha256', key).update(text).digest()

  return {
    /** Sets the cookie. */
    begin(context: Context, token: string): Session {
      const session = { token, until: now() + sessionMs }
      const text = Buffer.from(JSON.stringify(session)).toString('base64url')
      setCookie(context, cookieOf(context), `${text}.${sign(text).toString('base64url')}`, {
        ...attributes(context),
        maxAge: sessionMs / 1000,
      })
      return session
    },

    /** Null: there is no cookie, or one that this Beryl did not sign, or its time is over. */
    of(context: Context): Session | null {
      const [, text, mac] =
        /^([\w-]{1,1000})\.([\w-]{43})$/.exec(getCookie(context, cookieOf(context)) ?? '') ?? []
      if (text === undefined || mac === undefined) return null
      if (!timingSafeEqual(Buffer.from(mac, 'base64url'), sign(text))) return null
      const session = JSON.parse(Buffer.from(text, 'base64url').toString()) as Session
      return session.until > now() ? session : null
    },

    end: (context: Context): void =>
      void deleteCookie(context, cookieOf(context), attributes(context)),
  }
}

/** Cookies know no ports: two Beryls on one machine would take each other's. */
function cookieOf(context: Context): string {
  const [, port] = /:(\d{1,5})$/.exec(context.req.header('host') ?? '') ?? []
  return port === undefined ? 'beryl_session' : `beryl_session_${port}`
}

function attributes(context: Context) {
  // Behind a proxy that ends TLS, the page says so.
  const secure =
    context.req.url.startsWith('https:') ||
    (context.req.header('origin') ?? '').startsWith('https:')
  return { httpOnly: true, sameSite: 'Strict', path: '/', secure } as const
}
