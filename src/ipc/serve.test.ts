import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Hono } from 'hono'
import { asProblem } from './serve.ts'

test('a disk that takes no writes is said with what to do; anything else that is thrown is a bug', async (context) => {
  context.mock.method(console, 'error', () => {})
  const app = asProblem(new Hono())
  app.get('/full', () => {
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  })
  app.get('/journal', () => {
    throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
  })
  app.get('/bug', () => {
    throw new TypeError('x is undefined')
  })
  const asked = async (path: string) => {
    const answer = await app.request(path)
    const { code, hint } = (await answer.json()) as Record<string, string>
    return [answer.status, code, /free space/.test(hint!)]
  }
  assert.deepEqual(await asked('/full'), [507, 'disk', true])
  assert.deepEqual(await asked('/journal'), [507, 'disk', true])
  assert.deepEqual(await asked('/bug'), [500, 'internal', false])
})
