/** Services as they change, over a real socket. */
import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import { asProblem } from '../ipc/serve.ts'
import type { ApiEnv } from './authenticate.ts'
import { live } from './live.ts'
import type { Operations } from './operations.ts'
import type { LiveView } from './shapes.ts'

let generation = 1
let isIn = true
let looks = 0
/** While it stands still, all who come look at once. */
let stoppedAt: number | null = null
const view = (service: string) => {
  if (service === 'gone')
    throw new ProblemError({ status: 404, code: 'no-such-service', title: 'no gone' })
  looks++
  return { service, generation: service === 'chat' ? generation : 1, text: 'a\n\ndata: forged' }
}
const names = ['chat', 'tagger']
/** A fake of our own. */
const operations = {
  names: () => names,
  service: view,
} as unknown as Operations

let server: ReturnType<typeof serve>
let url: string
before(async () => {
  const app = asProblem(new Hono<ApiEnv>() as unknown as Hono) as unknown as Hono<ApiEnv>
  app.use(async (context, next) => {
    const holder = { id: '1', actor: 'ada', role: 'admin', until: null } as const
    context.set('caller', { ...holder, isStillIn: () => isIn })
    await next()
  })
  app.route(
    '/',
    live(operations, () => stoppedAt ?? performance.now()),
  )
  server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await new Promise((resolve) => server.once('listening', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/live`
})
after(() => server.close())

/** Events as they come, until enough did. */
async function* eventsAt(path: string, abort: AbortController) {
  const { body } = await fetch(`${url}${path}`, { signal: abort.signal })
  let text = ''
  for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const whole = text.split('\n\n')
    text = whole.pop()!
    for (const event of whole) {
      const [, kind, data] = /^event: (\w+)\ndata: (.*)$/.exec(event)!
      yield { kind, view: JSON.parse(data!) as LiveView }
    }
  }
}

test('it says how things are, then only what changed, and that it is still there', async () => {
  const abort = new AbortController()
  const kinds: string[] = []
  for await (const { kind, view: said } of eventsAt('?service=chat', abort)) {
    kinds.push(kind!)
    if (kind === 'still') generation++
    if (said.services?.[0]?.generation === 2) break
  }
  abort.abort()
  assert.deepEqual(kinds, ['services', 'still', 'changed'])
})

test('without a name it says all of them', async () => {
  const abort = new AbortController()
  for await (const { view: said } of eventsAt('', abort)) {
    assert.deepEqual(
      said.services.map(({ service }) => service),
      ['chat', 'tagger'],
    )
    break
  }
  abort.abort()
})

test('of many only those are said again that changed, and all of them when one more has come', async () => {
  const abort = new AbortController()
  const said: [string, string[]][] = []
  for await (const { kind, view: seen } of eventsAt('', abort)) {
    if (kind === 'still') continue
    said.push([kind!, seen.services.map(({ service }) => service)])
    if (said.length === 1) generation++
    if (said.length === 2) names.push('later')
    if (said.length === 3) break
  }
  abort.abort()
  names.pop()
  assert.deepEqual(said, [
    ['services', ['chat', 'tagger']],
    ['changed', ['chat']],
    ['services', ['chat', 'tagger', 'later']],
  ])
})

test('many who look at the same cost one look', async () => {
  const abort = new AbortController()
  looks = 0
  stoppedAt = performance.now()
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for await (const _ of eventsAt('', abort)) break
    }),
  )
  abort.abort()
  stoppedAt = null
  assert.ok(looks <= 2, `${looks} looks at two services`)
})

test('a service that does not exist is refused, not streamed', async () => {
  assert.equal((await fetch(`${url}?service=gone`)).status, 404)
})

test('a stream ends when whoever opened it may no longer look', async () => {
  const abort = new AbortController()
  const kinds: string[] = []
  for await (const { kind } of eventsAt('', abort)) {
    kinds.push(kind!)
    isIn = false
  }
  isIn = true
  assert.deepEqual(kinds, ['services'])
})
