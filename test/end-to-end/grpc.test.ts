/** KServe V2 over gRPC through whole releases: clients by hand over node:http2, model servers that are fakes of our own. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TestContext } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { kserveClient } from '../support/grpc.ts'
import type { Inferred } from '../support/grpc.ts'

let beryl: Running

before(async () => {
  beryl = await startBeryl({
    protocol: 'grpc',
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two' },
      failing: { answer: 'fails', fails: 13 },
    },
    service: `
    switch: { drain: 20s }
    watch: { atLeast: 1s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
})

after(async () => assert.equal(await beryl.stop(), 0))

/** A first version without gates that say something by themselves waits for a person. */
async function deployFirst(version: string): Promise<string> {
  const { id } = await beryl.deploy(version)
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  const { code, err } = await beryl.cli('approve', id, '--reason', 'a test')
  assert.equal(code, 0, err)
  return id
}

/** Unary calls, one after the other on each of several connections. */
function traffic(context: TestContext, connections = 4) {
  const answers: Inferred[] = []
  const lost: string[] = []
  const clients = Array.from({ length: connections }, () => kserveClient(beryl.gateway))
  let stopped = false
  let count = 0
  const running = clients.map(async ({ infer }) => {
    while (!stopped) {
      const id = `q${count++}`
      await infer(id).then(
        (answer) => answers.push(answer),
        (error: unknown) => lost.push(`${id}: ${(error as Error).message}`),
      )
    }
  })
  const stop = async () => {
    stopped = true
    await Promise.all(running)
    for (const { close } of clients) close()
  }
  context.after(stop)
  return { answers, lost, stop }
}

test('before anything is live, a client of gRPC hears so in its own words', async () => {
  const client = kserveClient(beryl.gateway)
  let said = ''
  await eventually(
    async () => {
      said = await client.infer('early').then(String, String)
      return said.includes('grpc-status 14 tiny has no live version yet')
    },
    () => `no live version; it said ${said}`,
  )
  client.close()
})

test('a switch in the middle of conversations and calls: none is cut, none is lost, and no old answer comes after a new one', async (context) => {
  const first = await deployFirst('v1')
  await beryl.until(first, ({ phase }) => phase === 'watching', 'watching')
  const calls = traffic(context)
  await beryl.until(first, ({ phase }) => phase === 'finished' || phase === 'stabilizing', 'over')
  const client = kserveClient(beryl.gateway)
  const talks = Array.from({ length: 8 }, () => client.converse())
  for (const talk of talks) assert.equal((await talk.ask('before')).version, 'one')

  const { id: second } = await beryl.deploy('v2')
  await eventually(
    () => calls.answers.some(({ version }) => version === 'two'),
    () => 'an answer of the new version',
  )
  for (const [index, talk] of talks.entries()) {
    const { version, id } = await talk.ask(`after${index}`)
    assert.deepEqual([version, id], ['one', `after${index}`])
  }
  const fresh = client.converse()
  assert.equal((await fresh.ask('new')).version, 'two')
  // The guard takes what was assigned in order: it would wait for a conversation of the new version that goes on.
  await fresh.end()
  for (const talk of talks) await talk.end()
  await beryl.until(second, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  await calls.stop()
  client.close()
  assert.deepEqual(calls.lost, [])
  const switchedAt = Math.min(
    ...calls.answers.filter(({ version }) => version === 'two').map(({ answeredAt }) => answeredAt),
  )
  const late = calls.answers.filter(
    ({ version, sentAt }) => version === 'one' && sentAt > switchedAt,
  )
  assert.deepEqual(late, [])
})

test('a version whose calls end with INTERNAL is rolled back by the guard, though every one of them says 200', async (context) => {
  const calls = traffic(context)
  const { id } = await beryl.deploy('failing')
  const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  await eventually(
    () => calls.answers.at(-1)?.version === 'two',
    () => 'answers of the old version',
  )
  await calls.stop()
  assert.match(release.rolledBack?.why ?? '', /error/i)
  assert.ok(
    calls.lost.every((line) => line.includes('grpc-status 13')),
    calls.lost[0],
  )
})
