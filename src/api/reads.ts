/** What can be asked: services, releases, the record; as JSON, the record also as a stream of events. */
import { planAsked } from './plan-asked.ts'
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { Hono } from 'hono'
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import { ProblemError } from '../ipc/problem.ts'
import type { ApiEnv } from './authenticate.ts'
import type { Operations } from './operations.ts'
import { cut, pageAsked, pageOf, wholeNumber } from './pages.ts'
import { reportHtml } from './report-html.ts'
import { releaseSeenBy, serviceSeenBy } from './seen-by.ts'
import type { Event } from './shapes.ts'

const eventPollMs = 250
const eventStreamsMax = 64
/** Events. */
const recordPage = 1000

export function reads(operations: Operations): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
  const openStreams = { count: 0 }
  app.get('/services', (context) => {
    const { role } = context.get('caller')
    const { items, next } = pageOf(operations.names(), (name) => name, pageAsked(context))
    const services = items.map((name) => serviceSeenBy(role, operations.service(name)))
    return context.json({ services, next })
  })
  app.get('/services/:service', (context) =>
    context.json(
      serviceSeenBy(context.get('caller').role, operations.service(context.req.param('service'))),
    ),
  )
  app.get('/services/:service/open', async (context) =>
    context.json(await operations.open(context.req.param('service'))),
  )
  app.get('/services/:service/versions', (context) => {
    const { service, versions } = operations.versions.list(context.req.param('service'))
    const { items, next } = pageOf(versions, ({ version }) => version, pageAsked(context))
    return context.json({ service, versions: items, next })
  })
  app.get('/services/:service/versions/:version', async (context) =>
    context.json(
      await operations.versions.show(context.req.param('service'), context.req.param('version')),
    ),
  )
  app.get('/services/:service/versions/:version/diff/:to', async (context) => {
    const { service, version, to } = context.req.param()
    return context.json(await operations.versions.diff(service, version, to))
  })
  app.get('/services/:service/aliases', (context) => {
    const { limit, after } = pageAsked(context)
    const most = Number.MAX_SAFE_INTEGER
    const before = wholeNumber('after', after ?? undefined, { otherwise: most, atMost: most })
    return context.json(operations.versions.aliases(context.req.param('service'), before, limit))
  })
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
        planAsked((name) => context.req.query(name)),
      ),
    ),
  )
  app.get('/services/:service/history', (context) => {
    const { role } = context.get('caller')
    const { after, limit } = pageAsked(context, 50)
    const found = operations.releases(context.req.param('service'), limit + 1, after)
    const { items, next } = cut(found, ({ id }) => id, limit)
    return context.json({ releases: items.map((view) => releaseSeenBy(role, view)), next })
  })
  app.get('/freezes', (context) => {
    const all = operations.freezes.all()
    const { items, next } = pageOf(all, ({ service }) => service ?? '*', pageAsked(context))
    return context.json({ freezes: items, next })
  })
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
    const { limit, after } = pageAsked(context, 1000)
    const most = Number.MAX_SAFE_INTEGER
    const from = wholeNumber('after', after ?? undefined, { otherwise: 0, atMost: most })
    const found = operations.eventsOf(id, from, limit + 1)
    const { items, next } = cut(found, (event) => String(event.id), limit)
    return context.json({ release, events: items, next })
  })
  // The same whole, to keep or to send on.
  for (const format of ['html', 'json'] as const)
    app.get(`/releases/:id/report.${format}`, async (context) => {
      const { role } = context.get('caller')
      const release = releaseSeenBy(role, operations.release(context.req.param('id')))
      const events = await wholeRecord(operations, release.id)
      return context.body(
        format === 'html' ? reportHtml({ release, events }) : JSON.stringify({ release, events }),
        200,
        {
          'content-type': format === 'html' ? 'text/html; charset=utf-8' : 'application/json',
          'content-disposition': `attachment; filename="${release.id}.${format}"`,
          'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
        },
      )
    })
  app.get('/events', (context) => {
    const service = context.req.query('service') ?? null
    // The record of one that was taken away stays.
    if (service !== null && operations.events(0, service, 1).length === 0)
      operations.service(service)
    const after = wholeNumber(
      'Last-Event-ID or after',
      context.req.header('last-event-id') ?? context.req.query('after'),
      { otherwise: 0, atMost: Number.MAX_SAFE_INTEGER },
    )
    if ((context.req.header('accept') ?? '').includes('text/event-stream'))
      return eventStream(context, { operations, after, service, openStreams })
    const { limit } = pageAsked(context, 200)
    const found = operations.events(after, service, limit + 1)
    const { items, next } = cut(found, ({ id }) => String(id), limit)
    return context.json({ events: items, next })
  })
  return app
}

/** Between two pages others have their turn. */
async function wholeRecord(operations: Operations, release: string): Promise<Event[]> {
  const all: Event[] = []
  for (;;) {
    const page = operations.eventsOf(release, all.at(-1)?.id ?? 0, recordPage)
    all.push(...page)
    if (page.length < recordPage) return all
    await setImmediate()
  }
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
