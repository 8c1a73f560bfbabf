/** The command itself, against a fake API of our own with 120 releases in pages. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('../../../bin/beryl.js', import.meta.url))

test('the newest fifty are shown, and said to be that; with --all every release comes', async (context) => {
  const releaseOf = (number: number) => ({
    id: `r${number}`,
    at: 0,
    from: null,
    version: `v${number}`,
    kind: 'deploy',
    by: 'ada',
    alias: null,
    phase: 'finished',
    endsAs: 'finished',
    because: 'because',
    waitingFor: null,
    paused: null,
  })
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url!, 'http://x')
    const limit = Math.min(100, Number(searchParams.get('limit')))
    const from = Number(searchParams.get('after')?.slice(1) ?? 121) - 1
    const releases = Array.from({ length: Math.min(limit, from) }, (_, index) =>
      releaseOf(from - index),
    )
    const last = releases.at(-1)!.id
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ releases, next: last === 'r1' ? null : last }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const shown = async (...args: string[]) => {
    const all = [program, '--api', api, 'history', 'chat', ...args]
    const { stdout } = await promisify(execFile)(process.execPath, all, {
      env: { ...process.env, BERYL_TOKEN: 'x' },
    })
    return { stdout, ids: stdout.match(/^r\d+/gm) }
  }
  const some = await shown()
  assert.equal(some.ids?.length, 50)
  assert.match(some.stdout, /^The 50 newest; with older ones: beryl history chat --all$/m)
  const all = await shown('--all')
  assert.deepEqual([all.ids?.length, all.ids?.at(0), all.ids?.at(-1)], [120, 'r120', 'r1'])
  assert.doesNotMatch(all.stdout, /newest/)
})
