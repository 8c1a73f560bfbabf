/** How often each token may ask, and how often each address may be wrong: a script that runs wild must not hold up the loop. */
import type { MiddlewareHandler } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import type { ApiEnv } from './authenticate.ts'

/** So many a second in the long run, and so many at once. */
type Budget = { perSecond: number; burst: number }
export type Budgets = Record<'read' | 'write' | 'feedback' | 'refused', Budget>

export const usualBudgets: Budgets = {
  // Twenty dashboards with one token.
  read: { perSecond: 100, burst: 1000 },
  write: { perSecond: 20, burst: 200 },
  // One for each answer of a service.
  feedback: { perSecond: 500, burst: 5000 },
  // Without a token that is known, by address.
  refused: { perSecond: 2, burst: 50 },
}

/** Who is remembered; beyond, whoever asked least lately starts anew. */
const knownMax = 2000

export type Limiter = ReturnType<typeof limiterOf>

/** Token buckets. @param now ms, rising */
export function limiterOf(
  budgets: Budgets = usualBudgets,
  now: () => number = () => performance.now(),
) {
  const buckets = new Map<string, { left: number; at: number }>()
  return {
    /** Takes one. @returns seconds until there is one; 0: it was taken */
    takeS(kind: keyof Budgets, who: string): number {
      const { perSecond, burst } = budgets[kind]
      const key = `${kind} ${who}`
      const at = now()
      const known = buckets.get(key) ?? { left: burst, at }
      const left = Math.min(burst, known.left + ((at - known.at) / 1000) * perSecond)
      buckets.delete(key)
      buckets.set(key, { left: left >= 1 ? left - 1 : left, at })
      if (buckets.size > knownMax) buckets.delete(buckets.keys().next().value!)
      return left >= 1 ? 0 : Math.ceil((1 - left) / perSecond)
    },
  }
}

/** For whoever is known already. */
export function limited(limiter: Limiter): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    const { id, actor } = context.get('caller')
    const waitS = limiter.takeS(kindOf(context.req.method, context.req.path), id)
    if (waitS > 0) throw tooMany(`the token of ${actor}`, waitS)
    await next()
  }
}

export function tooMany(who: string, retryAfterS: number): ProblemError {
  return new ProblemError({
    status: 429,
    code: 'too-many-requests',
    title: `too many requests come from ${who}`,
    hint: `ask again in ${retryAfterS} s; GET /api/v1/live and /api/v1/events push what is new`,
    retryAfterS,
  })
}

function kindOf(method: string, path: string): keyof Budgets {
  if (method === 'GET' || method === 'HEAD') return 'read'
  return path.endsWith('/feedback') ? 'feedback' : 'write'
}
