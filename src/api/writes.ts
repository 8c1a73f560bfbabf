/** What can be asked for: each is recorded with the actor its token belongs to. */
import { Hono } from 'hono'
import type { ApiEnv } from './authenticate.ts'
import {
  aliasBody,
  approveBody,
  bodyOf,
  commandBody,
  deployBody,
  emptyBody,
  feedbackBody,
  importBody,
  rollbackBody,
} from './bodies.ts'
import type { Operations } from './operations.ts'

export function writes(operations: Operations): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>()
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
  app.post('/services/:service/capture/records', async (context) => {
    const { records } = await bodyOf(context.req, importBody)
    return context.json(
      await operations.capture.import(context.req.param('service'), records, context.get('actor')),
    )
  })
  app.delete('/services/:service/capture', async (context) =>
    context.json(
      await operations.capture.purge(context.req.param('service'), context.get('actor')),
    ),
  )
  app.put('/services/:service/aliases/:alias', async (context) => {
    const { version, reason } = await bodyOf(context.req, aliasBody)
    const { service, alias } = context.req.param()
    const asked = { version, reason: reason ?? null }
    return context.json(
      await operations.versions.alias(service, alias, asked, context.get('actor')),
    )
  })
  app.delete('/services/:service/aliases/:alias', async (context) => {
    const { reason } = await bodyOf(context.req, commandBody)
    const { service, alias } = context.req.param()
    return context.json(
      operations.versions.removeAlias(service, alias, reason ?? null, context.get('actor')),
    )
  })
  // Each for a release, and for the active release of a service.
  for (const kind of ['services', 'releases'] as const) {
    app.post(`/${kind}/:target/approve`, async (context) => {
      const { reason, gate } = await bodyOf(context.req, approveBody)
      const asked = { reason: reason ?? null, gate: gate ?? null }
      return context.json(
        await operations.command(
          context.req.param('target'),
          'approve',
          asked,
          context.get('actor'),
        ),
      )
    })
    for (const command of ['promote', 'pause', 'resume', 'abort'] as const) {
      app.post(`/${kind}/:target/${command}`, async (context) => {
        const { reason } = await bodyOf(context.req, commandBody)
        const asked = { reason: reason ?? null, gate: null }
        return context.json(
          await operations.command(
            context.req.param('target'),
            command,
            asked,
            context.get('actor'),
          ),
        )
      })
    }
    app.post(`/${kind}/:target/rollback`, async (context) => {
      const { reason, to, hard } = await bodyOf(context.req, rollbackBody)
      const asked = { reason: reason ?? null, gate: null, to: to ?? null, hard }
      return context.json(
        await operations.rollback(context.req.param('target'), asked, context.get('actor')),
      )
    })
    app.post(`/${kind}/:target/retry`, async (context) => {
      await bodyOf(context.req, emptyBody)
      return context.json(
        await operations.retry(context.req.param('target'), context.get('actor')),
        202,
      )
    })
  }
  return app
}
