/** The HTTP API: request in, operation, JSON out. Errors are RFC 9457 problem documents. */
import { bodyLimit } from 'hono/body-limit'
import { Hono } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import { asProblem } from '../ipc/serve.ts'
import { authenticated } from './authenticate.ts'
import type { ApiEnv, Tokens } from './authenticate.ts'
import { idempotent } from './idempotency.ts'
import type { Answers } from './idempotency.ts'
import { limited, limiterOf } from './limits.ts'
import type { Limiter } from './limits.ts'
import { openapi } from './openapi.ts'
import type { Operations } from './operations.ts'
import { ownHostOnly } from './own-host.ts'
import { live } from './live.ts'
import { reads } from './reads.ts'
import type { Sessions } from './sessions.ts'
import { session, signIn } from './sign-in.ts'
import { writes } from './writes.ts'

/** Commands are small; anything larger is a mistake or an attack. */
const bodyMaxBytes = 64 * 1024
/** Records are imported in pieces of at most so much. */
const importMaxBytes = 8 * 1024 * 1024
/** Prometheus' text format, and OpenMetrics for whoever asks for it. */
const metricsTypes = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

export type ApiOptions = {
  tokens: Tokens
  sessions: Sessions
  /** The host of `api.listen`. */
  boundTo: string
  /** Where answers to keys are kept. */
  answers: Answers
  /** How often one may ask; usual where left out. */
  limiter?: Limiter
  /** What people see; null where it has no page. Pages hold no data: anybody may have them. */
  pages: (request: Request) => Response | null
}

export function apiApp(
  operations: Operations,
  { tokens, sessions, boundTo, answers, limiter = limiterOf(), pages }: ApiOptions,
): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  asProblem(app as unknown as Hono)
  app.use(ownHostOnly(boundTo))
  app.use(async (context, next) => {
    const page = pages(context.req.raw)
    return page ?? next()
  })
  app.get('/healthz', (context) => context.text('ok\n'))
  app.get('/readyz', (context) => {
    const reasons = operations.notReady()
    return context.text(
      reasons.length === 0 ? 'ok\n' : `${reasons.join('\n')}\n`,
      reasons.length === 0 ? 200 : 503,
    )
  })
  const isSignedIn = authenticated(tokens, sessions, limiter)
  app.get('/metrics', isSignedIn, async (context) => {
    const accepts = context.req.header('accept') ?? ''
    const format = accepts.includes('application/openmetrics-text') ? 'openmetrics' : 'text'
    const text = await operations.metrics(format)
    return context.text(text, 200, { 'content-type': metricsTypes[format], vary: 'accept' })
  })
  const commands = bodyLimit({ maxSize: bodyMaxBytes, onError: tooLarge })
  const imports = bodyLimit({ maxSize: importMaxBytes, onError: tooLarge })
  const isLarge = (path: string): boolean =>
    path.endsWith('/capture/records') || path.endsWith('/v1/apply')
  app.use('/api/*', (context, next) =>
    isLarge(context.req.path) ? next() : commands(context, next),
  )
  app.route('/api/v1', signIn(tokens, sessions))
  app.use('/api/*', isSignedIn)
  app.use('/api/*', limited(limiter))
  // Nobody who is not known sends that much.
  app.use('/api/*', (context, next) =>
    isLarge(context.req.path) ? imports(context, next) : next(),
  )
  app.use(
    '/api/*',
    idempotent(answers, (id) => operations.release(id)),
  )
  app.route('/api/v1', session(sessions))
  app.get('/api/v1/openapi.json', (context) => context.json(openapi()))
  app.route('/api/v1', reads(operations))
  app.route('/api/v1', live(operations))
  app.route('/api/v1', writes(operations))
  app.all('*', (context) => {
    const allow = methodsAt(app, context.req.path)
    if (allow.length === 0) return context.notFound()
    throw new ProblemError({
      status: 405,
      code: 'wrong-method',
      title: `${context.req.path} takes ${allow.join(' and ')}, not ${context.req.method}`,
      hint: 'GET /api/v1/openapi.json lists what there is',
      allow,
    })
  })
  return app
}

/** Methods that some route takes at this path. */
function methodsAt(app: Hono<ApiEnv>, path: string): string[] {
  const fits = (pattern: string) =>
    new RegExp(`^${pattern.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`).test(path)
  return [
    ...new Set(
      app.routes
        .filter(({ method, path: pattern }) => method !== 'ALL' && fits(pattern))
        .map(({ method }) => method),
    ),
  ]
}

function tooLarge(): Response {
  throw new ProblemError({
    status: 413,
    code: 'body-too-large',
    title: `the body is larger than ${bodyMaxBytes} bytes (${importMaxBytes} where records are imported)`,
    hint: 'commands are small: GET /api/v1/openapi.json describes them',
  })
}
