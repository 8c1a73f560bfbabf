/** What the controller asks of the signals, over the examiner's socket. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { SignalSettings } from './signal.ts'
import type { Signals } from './signals.ts'

/** JSON Schemas are part of the settings. */
const settingsMaxBytes = 16 * 1024 * 1024

export function signalRoutes(signals: Signals): Hono {
  const app = new Hono()
  app.put('/', bodyLimit({ maxSize: settingsMaxBytes }), async (context) => {
    signals.configure(await context.req.json<Record<string, SignalSettings>>())
    return context.json({ dropped: signals.dropped() })
  })
  app.get('/verdicts', (context) => {
    const after = Number(context.req.query('after') ?? 0)
    return context.json(signals.verdicts(context.req.query('run') ?? '', after))
  })
  return app
}
