/** KServe V2 over gRPC through whole releases, gates included: clients by hand over node:http2, model servers that are fakes of our own. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TestContext } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { kserveClient } from '../support/grpc.ts'
import type { Inferred } from '../support/grpc.ts'

let beryl: Running
/** The release that switched. */
let second = ''

before(async () => {
  beryl = await startBeryl({
    protocol: 'grpc',
    models: {
      v1: { answer: 'one' },
      v2: { answer: 'two' },
      other: { answer: 'other', label: 'another' },
      failing: { answer: 'fails', fails: 13 },
      garbled: { answer: 'garbled', garbled: true },
    },
    goldenLines: Array.from({ length: 20 }, (_, nth) => ({
      request: {
        model_name: 'tiny',
        inputs: [{ name: 'x', datatype: 'INT64', shape: [1], data: [nth] }],
      },
      expected: 'same',
    })),
    service: `
    capture: { share: 100%, redact: [$.id] }
    verify:
      - warmUp: {}
      - goldenSet:
          file: ./golden.jsonl
          request: { path: /inference.GRPCInferenceService/ModelInfer }
          atLeast: 0.9
      - shadow: { atLeast: 20, within: 50s, noWorseBy: 20%, dryRun: true }
    switch: { drain: 20s }
    watch: { atLeast: 1s, atMost: 10m, signals: [errors, latency, validity], errors: { margin: 20%, atMost: 20% }, validity: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
})

after(async () => assert.equal(await beryl.stop(), 0))

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
  const { id: first } = await beryl.deploy('v1')
  await beryl.until(first, ({ phase }) => phase === 'watching', 'watching')
  const calls = traffic(context)
  await beryl.until(first, ({ phase }) => phase === 'finished' || phase === 'stabilizing', 'over')
  const client = kserveClient(beryl.gateway)
  const talks = Array.from({ length: 8 }, () => client.converse())
  for (const talk of talks) assert.equal((await talk.ask('before')).version, 'one')

  second = (await beryl.deploy('v2')).id
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

test('its gates asked it in messages, and compared what clients asked; what clients asked is recorded as JSON, without what must go', async () => {
  const { gates } = await beryl.release(second)
  const verdicts = gates.map((gate) =>
    gate.state === 'decided' ? `${gate.name} ${gate.verdict}: ${gate.because}` : gate.name,
  )
  for (const name of ['warmUp', 'goldenSet', 'shadow'])
    assert.ok(
      verdicts.some((line) => line.startsWith(`${name} pass`)),
      verdicts.join('\n'),
    )
  const { out } = await beryl.cli('capture', 'tiny', 'export')
  const records = out.split('\n').filter((line) => line.includes('model_name'))
  assert.ok(records.length > 20, String(records.length))
  assert.match(records[0]!, /\\"id\\":\\"\[redacted\]/)
  assert.match(records[0]!, /\\"datatype\\":\\"BYTES\\"/)
})

test('a version that answers otherwise never goes live', async () => {
  const { id } = await beryl.deploy('other')
  const release = await beryl.until(id, ({ phase }) => phase === 'rejected', 'rejected')
  assert.match(release.because ?? '', /goldenSet/)
})

test('a version whose answers lie about their shape is rolled back for that, though every call ends with OK', async (context) => {
  const calls = traffic(context)
  const { id } = await beryl.deploy('garbled')
  const release = await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  await calls.stop()
  assert.deepEqual(calls.lost, [])
  assert.match(release.rolledBack?.why ?? '', /validity|valid/i)
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
