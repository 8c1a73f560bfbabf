/** What the controller may ask of the captures, over the examiner's socket. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { ProblemError } from '../../ipc/problem.ts'
import type { Captured } from './captured.ts'
import type { Captures, CaptureSettings } from './captures.ts'
import type { Place } from './segments.ts'

/** `next` is handed back as `after`; null: this was the last page. */
export type CapturePage = { records: Captured[]; damaged: number; next: string | null }

/** More than the API takes at once. */
const importMaxBytes = 16 * 1024 * 1024

export function captureRoutes(captures: Captures): Hono {
  const app = new Hono()
  app.use(bodyLimit({ maxSize: importMaxBytes }))
  app.put('/', async (context) => {
    captures.configure(await context.req.json<Record<string, CaptureSettings>>())
    return context.json(null)
  })
  app.get('/:service', async (context) =>
    context.json(await captures.state(context.req.param('service'))),
  )
  app.get('/:service/records', async (context) => {
    const after = context.req.query('after')
    const place = after === undefined ? null : placeIn(after)
    const { records, damaged, next } = await captures.page(context.req.param('service'), place)
    const text = next && `${next.segment}:${next.offset}`
    return context.json({ records, damaged, next: text } satisfies CapturePage)
  })
  app.post('/:service/records', async (context) => {
    const { records } = await context.req.json<{ records: unknown[] }>()
    return context.json(await captures.take(context.req.param('service'), records))
  })
  app.delete('/:service', async (context) =>
    context.json(await captures.purge(context.req.param('service'))),
  )
  return app
}

/** Made by us: `0001800000000000-1800000060000.log:4096` */
function placeIn(text: string): Place {
  const [, segment, offset] = /^([\d-]+\.log):(\d+)$/.exec(text) ?? []
  if (segment !== undefined) return { segment, offset: Number(offset) }
  throw new ProblemError({
    status: 400,
    code: 'wrong-place',
    title: `after: expected what the page before said as \`next\`, came ${JSON.stringify(text.slice(0, 60))}`,
  })
}
