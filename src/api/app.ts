/** The HTTP API: request in, operation, JSON out. Errors are RFC 9457 problem documents. */
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { bodyLimit } from 'hono/body-limit'
import { z } from 'zod'
import { asProblem } from '../ipc/serve.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { Operations } from './operations.ts'
import { authenticated } from './authenticate.ts'
import type { Tokens } from './authenticate.ts'

type Env = { Variables: { actor: string } }

/** Commands are small; anything larger is a mistake or an attack. */
const bodyMaxBytes = 64 * 1024
const eventPollMs = 250
const eventStreamsMax = 64
const listMax = 1000

const deployBody = z.strictObject({
  version: z.string().min(1),
  kind: z.enum(['deploy', 'verify']).default('deploy'),
  replace: z.boolean().default(false),
})
const commandBody = z.strictObject({
  reason: z.string().max(1000).nullish(),
  /** Skips this gate (`approve` only); recorded with name and reason. */
  gate: z.string().max(100).nullish(),
})
const feedbackBody = z.strictObject({
  requestId: z.string().min(1).max(700),
  kind: z.enum(['score', 'thumbs', 'handoff', 'label']),
  value: z.unknown(),
})
const rollbackBody = z.strictObject({
  reason: z.string().max(1000).nullish(),
  to: z.string().nullish(),
})

export function apiApp(operations: Operations, tokens: Tokens): Hono<Env> {
  const app = new Hono<Env>()
  asProblem(app as unknown as Hono)
  app.get('/healthz', (context) => context.text('ok\n'))
  app.get('/readyz', (context) => {
    const reasons = operations.notReady()
    return context.text(
      reasons.length === 0 ? 'ok\n' : `${reasons.join('\n')}\n`,
      reasons.length === 0 ? 200 : 503,
    )
  })
  app.use('/api/*', authenticated(tokens))
  app.use('/api/*', bodyLimit({ maxSize: bodyMaxBytes, onError: tooLarge }))
  app.route('/api/v1', reads(operations))
  app.route('/api/v1', writes(operations))
  return app
}

function reads(operations: Operations): Hono<Env> {
  const app = new Hono<Env>()
  let streams = 0
  app.get('/services', (context) => context.json({ services: operations.services() }))
  app.get('/services/:service', (context) =>
    context.json(operations.service(context.req.param('service'))),
  )
  app.get('/services/:service/versions', (context) =>
    context.json({ versions: operations.service(context.req.param('service')).versions }),
  )
  app.get('/services/:service/cost', (context) =>
    context.json(operations.cost(context.req.param('service'))),
  )
  app.get('/services/:service/history', (context) =>
    context.json({
      releases: operations.releases(
        context.req.param('service'),
        numberIn(context.req.query('limit'), 50),
      ),
    }),
  )
  app.get('/releases/:id', (context) => context.json(operations.release(context.req.param('id'))))
  app.get('/releases/:id/report', (context) => {
    const id = context.req.param('id')
    return context.json({ release: operations.release(id), events: operations.eventsOf(id) })
  })
  app.get('/events', (context) => {
    const service = context.req.query('service') ?? null
    const after = numberIn(context.req.header('last-event-id') ?? context.req.query('after'), 0)
    if (!(context.req.header('accept') ?? '').includes('text/event-stream')) {
      return context.json({
        events: operations.events(
          after,
          service,
          Math.min(listMax, numberIn(context.req.query('limit'), 200)),
        ),
      })
    }
    if (streams >= eventStreamsMax) {
      throw new ProblemError({
        status: 503,
        code: 'too-many-streams',
        title: `${eventStreamsMax} event streams are open already`,
        hint: 'close one',
      })
    }
    streams++
    return streamSSE(context, async (stream) => {
      let last = after
      stream.onAbort(() => {})
      try {
        while (!stream.aborted && !stream.closed) {
          for (const event of operations.events(last, service, 100)) {
            await stream.writeSSE({
              id: String(event.id),
              event: event.kind,
              data: JSON.stringify(event),
            })
            last = event.id
          }
          await stream.sleep(eventPollMs)
        }
      } finally {
        streams--
      }
    })
  })
  return app
}

function writes(operations: Operations): Hono<Env> {
  const app = new Hono<Env>()
  app.post('/services/:service/releases', async (context) => {
    const asked = await bodyOf(context.req, deployBody)
    return context.json(
      await operations.deploy(context.req.param('service'), asked, context.get('actor')),
      202,
    )
  })
  app.post('/feedback', async (context) => {
    const asked = await bodyOf(context.req, feedbackBody)
    return context.json(operations.feedback(asked, context.get('actor')))
  })
  for (const kind of ['services', 'releases'] as const) {
    for (const command of ['approve', 'promote', 'pause', 'resume', 'abort'] as const) {
      app.post(`/${kind}/:target/${command}`, async (context) => {
        const { reason, gate } = await bodyOf(context.req, commandBody)
        return context.json(
          await operations.command(
            context.req.param('target'),
            command,
            { reason: reason ?? null, gate: gate ?? null },
            context.get('actor'),
          ),
        )
      })
    }
    app.post(`/${kind}/:target/rollback`, async (context) => {
      const { reason, to } = await bodyOf(context.req, rollbackBody)
      return context.json(
        await operations.rollback(
          context.req.param('target'),
          { reason: reason ?? null, gate: null, to: to ?? null },
          context.get('actor'),
        ),
      )
    })
    app.post(`/${kind}/:target/retry`, async (context) =>
      context.json(await operations.retry(context.req.param('target'), context.get('actor')), 202),
    )
  }
  return app
}

async function bodyOf<Shape extends z.ZodType>(
  request: { text(): Promise<string>; method: string; path: string },
  shape: Shape,
): Promise<z.output<Shape>> {
  const text = await request.text()
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new ProblemError({
      status: 400,
      code: 'not-json',
      title: `${request.method} ${request.path}: the body is not JSON (${(cause as Error).message})`,
    })
  }
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const detail = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
    .join('; ')
  throw new ProblemError({
    status: 400,
    code: 'wrong-body',
    title: `${request.method} ${request.path}: ${detail}`,
    hint: 'see docs/api.md',
  })
}

function numberIn(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? otherwise)
  return Number.isSafeInteger(value) && value >= 0 ? value : otherwise
}

function tooLarge(): Response {
  throw new ProblemError({
    status: 413,
    code: 'body-too-large',
    title: `the body is larger than ${bodyMaxBytes} bytes`,
  })
}
