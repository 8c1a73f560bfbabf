/** What can be asked for: each is recorded with the actor its token belongs to. */
import { Hono } from 'hono'
import type { ApiEnv } from './authenticate.ts'
import {
  applyBody,
  aliasBody,
  approveBody,
  bodyOf,
  commandBody,
  deployBody,
  emptyBody,
  feedbackBody,
  freezeBody,
  importBody,
  rollbackBody,
  tokenBody,
  versionBody,
} from './bodies.ts'
import { pageAsked, pageOf } from './pages.ts'
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
  app.post('/apply', async (context) => {
    const { manifest, dryRun, remove } = await bodyOf(context.req, applyBody)
    const asked = { text: manifest, dryRun, remove }
    return context.json(await operations.apply(asked, context.get('actor')))
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
  app.post('/notifications/retry', async (context) => {
    await bodyOf(context.req, emptyBody)
    return context.json(operations.notifications.retry(context.get('actor')))
  })
  // Of everything, and of one service.
  for (const path of ['/freeze', '/services/:service/freeze'] as const) {
    app.post(path, async (context) => {
      const { reason, forS } = await bodyOf(context.req, freezeBody)
      const asked = { reason: reason ?? null, forS: forS ?? null }
      const target = context.req.param('service') ?? null
      return context.json(operations.freezes.freeze(target, asked, context.get('actor')))
    })
    app.delete(path, (context) => {
      const target = context.req.param('service') ?? null
      return context.json(operations.freezes.unfreeze(target, context.get('actor')))
    })
  }
  app.get('/tokens', (context) => {
    const all = operations.tokens.list()
    const { items, next } = pageOf(all, ({ name }) => name, pageAsked(context))
    return context.json({ tokens: items, next })
  })
  app.post('/tokens', async (context) => {
    const { name, role, expiresInS } = await bodyOf(context.req, tokenBody)
    const asked = { name, role, expiresInS: expiresInS ?? null }
    return context.json(operations.tokens.create(asked, context.get('actor')), 201, {
      'cache-control': 'no-store',
    })
  })
  app.delete('/tokens/:name', (context) =>
    context.json(operations.tokens.revoke(context.req.param('name'), context.get('actor'))),
  )
  app.post('/services/:service/versions', async (context) => {
    const asked = await bodyOf(context.req, versionBody)
    const { name, args, env, expects, source, mlflow } = asked
    const { model, prompt, tokenizer, config } = asked
    const files = { model, prompt, tokenizer, config }
    const view = await operations.versions.add(
      context.req.param('service'),
      {
        name,
        files: Object.fromEntries(Object.entries(files).filter(([, file]) => file !== undefined)),
        args,
        env,
        expects,
        notes: asked.notes ?? null,
        commit: source.commit ?? null,
        run: source.run ?? null,
        mlflow: mlflow ? { model: mlflow.model, url: mlflow.url ?? null } : null,
      },
      context.get('actor'),
    )
    return context.json(view, 201)
  })
  app.delete('/services/:service/versions/:version', (context) => {
    const { service, version } = context.req.param()
    return context.json(operations.versions.remove(service, version, context.get('actor')))
  })
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
