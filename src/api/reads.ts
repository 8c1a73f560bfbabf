/** What can be asked: services, releases, the record; as JSON, the record also as a stream of events. */
import { Readable } from 'node:stream'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { ProblemError } from '../ipc/problem.ts'
import type { ApiEnv } from './authenticate.ts'
import type { Operations } from './operations.ts'
import { releaseSeenBy, serviceSeenBy } from './seen-by.ts'

const eventPollMs = 250
const eventStreamsMax = 64
const listMax = 1000

export function reads(operations: Operations): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  const openStreams = { count: 0 }
  app.get('/services', (context) =>
    context.json({
      services: operations
        .services()
        .map((view) => serviceSeenBy(context.get('caller').role, view)),
    }),
  )
  app.get('/services/:service', (context) =>
    context.json(
      serviceSeenBy(context.get('caller').role, operations.service(context.req.param('service'))),
    ),
  )
  app.get('/services/:service/open', async (context) =>
    context.json(await operations.open(context.req.param('service'))),
  )
  app.get('/services/:service/versions', (context) =>
    context.json(operations.versions.list(context.req.param('service'))),
  )
  app.get('/services/:service/versions/:version', async (context) =>
    context.json(
      await operations.versions.show(context.req.param('service'), context.req.param('version')),
    ),
  )
  app.get('/services/:service/versions/:version/diff/:to', async (context) => {
    const { service, version, to } = context.req.param()
    return context.json(await operations.versions.diff(service, version, to))
  })
  app.get('/services/:service/aliases', (context) =>
    context.json(operations.versions.aliases(context.req.param('service'))),
  )
  app.get('/services/:service/cost', (context) =>
    context.json(operations.cost(context.req.param('service'))),
  )
  app.get('/services/:service/capture', async (context) =>
    context.json(await operations.capture.state(context.req.param('service'))),
  )
  app.get('/services/:service/capture/records', async (context) =>
    context.json(
      await operations.capture.page(
        context.req.param('service'),
        context.req.query('after') ?? null,
        context.get('actor'),
      ),
    ),
  )
  app.get('/services/:service/plan/:version', async (context) =>
    context.json(
      await operations.plan(
        context.req.param('service'),
        context.req.param('version'),
        shareOf('find', context.req.query('find')),
      ),
    ),
  )
  app.get('/services/:service/history', (context) =>
    context.json({
      releases: operations
        .releases(
          context.req.param('service'),
          wholeNumber('limit', context.req.query('limit'), { otherwise: 50, atMost: listMax }),
        )
        .map((view) => releaseSeenBy(context.get('caller').role, view)),
    }),
  )
  app.get('/freezes', (context) => context.json({ freezes: operations.freezes.all() }))
  app.get('/notifications', (context) => context.json(operations.notifications.view()))
  app.get('/record', (context) => context.json(operations.record.view()))
  app.get('/backup', async (context) => {
    const { bytes, stream } = await operations.record.backUp(context.get('actor'))
    return context.body(Readable.toWeb(stream) as ReadableStream, 200, {
      'content-type': 'application/vnd.sqlite3',
      'content-length': String(bytes),
      'cache-control': 'no-store',
    })
  })
  app.get('/releases/:id', (context) =>
    context.json(
      releaseSeenBy(context.get('caller').role, operations.release(context.req.param('id'))),
    ),
  )
  app.get('/services/:service/curves', (context) =>
    context.json(operations.curves.ofService(context.req.param('service'))),
  )
  app.get('/releases/:id/curves', (context) =>
    context.json(operations.curves.ofRelease(context.req.param('id'))),
  )
  app.get('/releases/:id/report', (context) => {
    const id = context.req.param('id')
    const release = releaseSeenBy(context.get('caller').role, operations.release(id))
    return context.json({ release, events: operations.eventsOf(id) })
  })
  app.get('/events', (context) => {
    const service = context.req.query('service') ?? null
    if (service !== null) operations.service(service)
    const after = wholeNumber(
      'Last-Event-ID or after',
      context.req.header('last-event-id') ?? context.req.query('after'),
      { otherwise: 0, atMost: Number.MAX_SAFE_INTEGER },
    )
    const limit = wholeNumber('limit', context.req.query('limit'), {
      otherwise: 200,
      atMost: listMax,
    })
    if (!(context.req.header('accept') ?? '').includes('text/event-stream'))
      return context.json({ events: operations.events(after, service, limit) })
    return eventStream(context, { operations, after, service, openStreams })
  })
  return app
}

type StreamAsked = {
  operations: Operations
  after: number
  service: string | null
  openStreams: { count: number }
}

function eventStream(
  context: Context<ApiEnv>,
  { operations, after, service, openStreams }: StreamAsked,
): Response {
  if (openStreams.count >= eventStreamsMax) {
    throw new ProblemError({
      status: 503,
      code: 'too-many-streams',
      title: `${eventStreamsMax} event streams are open already`,
      hint: 'close one',
    })
  }
  openStreams.count++
  const { isStillIn } = context.get('caller')
  return streamSSE(context, async (stream) => {
    let last = after
    stream.onAbort(() => {})
    try {
      while (!stream.aborted && !stream.closed && isStillIn()) {
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
      openStreams.count--
    }
  })
}

/** @throws ProblemError `wrong-query` */
function shareOf(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value > 0 && value <= 1) return value
  throw wrongQuery(name, 'a share above 0 and up to 1', text)
}

/** @throws ProblemError `wrong-query`: a limit that nobody understood must not become another one */
function wholeNumber(
  name: string,
  text: string | undefined,
  { otherwise, atMost }: { otherwise: number; atMost: number },
): number {
  if (text === undefined) return otherwise
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value <= atMost) return value
  throw wrongQuery(name, `a whole number from 0 to ${atMost}`, text)
}

function wrongQuery(name: string, expected: string, text: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'wrong-query',
    title: `${name}: expected ${expected}, came ${JSON.stringify(text.slice(0, 60))}`,
    hint: 'GET /api/v1/openapi.json describes the parameters',
  })
}
