/**
 * Two real MLServers over gRPC, as blue and green: real models behind every gate that asks, real protobuf on the other side. Without Python
 * this fails: what did not run must not look like a pass.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inferPath } from '../../src/protocols/grpc/kserve-messages.ts'
import { inputOf } from '../../src/verification/inputs/input.ts'
import { lineOf } from '../../src/verification/send.ts'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { classify, loadModel, texts, trainAll } from '../support/langid-model.ts'
import { installMlServer, startMlServer } from '../support/mlserver.ts'
import type { MlServer } from '../support/mlserver.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-mlserver-grpc-'))
const models = join(directory, 'models')
const service = '/inference.GRPCInferenceService'

const question = (text: string, raw: boolean) => ({
  model_name: 'langid',
  inputs: [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: [text] }],
  ...(raw ? { raw } : {}),
})

let program: string
let beryl: Running
const servers: MlServer[] = []
let stopped = false
let traffic: Promise<string[]> = Promise.resolve([])

async function serve(place: string, version: string): Promise<MlServer> {
  const server = await startMlServer(
    program,
    join(directory, place),
    { langid: join(models, version) },
    version,
  )
  servers.push(server)
  const { status } = await fetch(`${server.url}/v2/repository/models/langid/load`, {
    method: 'POST',
  })
  assert.equal(status, 200)
  return server
}

const ask = (address: string) => {
  const target = {
    version: 'v1',
    environment: 'blue',
    addresses: [address],
    reach: { speaks: 'grpc' as const },
  }
  const line = lineOf({ connections: 4, signal: new AbortController().signal, targets: [target] })
  const shape = { method: 'POST', path: inferPath, headers: {}, timeoutS: 20 } as const
  return {
    infer: async (text: string, raw: boolean) => {
      const { status, says, chunks } = await line.send(
        inputOf(shape, question(text, raw), 'peer').sent,
        address,
        20,
      )
      const body = Buffer.concat(chunks.map(({ bytes }) => bytes)).toString()
      assert.equal(status, 200, says ?? body)
      const { outputs } = JSON.parse(body) as { outputs: { name: string; data: unknown[] }[] }
      return Object.fromEntries(outputs.map(({ name, data }) => [name, data[0]]))
    },
    refused: async (model: string) => {
      const body = { ...question('x', false), model_name: model }
      return line.send(inputOf(shape, body, 'peer').sent, address, 20)
    },
    close: () => line.close(),
  }
}

before(async () => {
  trainAll(models)
  program = await installMlServer(join(directory, 'python'))
  const [blue, green] = [await serve('blue', 'v1'), await serve('green', 'v2')]
  const model = loadModel(join(models, 'v2'))
  beryl = await startBeryl({
    models: {},
    goldenLines: texts.flatMap((text) =>
      [false, true].map((raw) => ({
        request: question(text, raw),
        expected: classify(model, text).language,
      })),
    ),
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    protocol: grpc
    environment:
      provider: external
      blue: [http://${blue.grpc}]
      green: [http://${green.grpc}]
      ready: { path: ${service}/ServerReady }
    versions: { v1: {}, v2: {} }
    capture: { share: 100% }
    verify:
      - identity: { model: langid }
      - warmUp: {}
      - goldenSet: { file: ./golden.jsonl, request: { path: ${inferPath} }, answer: '$.outputs[0].data[0]', atLeast: 0.5 }
      - load: { rate: 25/s, for: 2s, p95: 2s }
      - shadow: { atLeast: 40, within: 40s, noWorseBy: 90%, dryRun: true }
    watch: { atLeast: 1s, atMost: 10m, signals: [errors, latency, validity], errors: { margin: 20%, atMost: 20% }, validity: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`,
  })
})

after(async () => {
  stopped = true
  const lost = await traffic
  assert.equal(await beryl?.stop(), 0)
  for (const server of servers) await server.end()
  rmSync(directory, { recursive: true, force: true })
  assert.deepEqual(lost, [])
})

test('MLServer takes our messages and we read its own: in lists and as bytes, as the model itself answers', async () => {
  const [blue] = servers
  const { infer, refused, close } = ask(blue!.grpc)
  const model = loadModel(join(models, 'v1'))
  for (const text of texts)
    for (const raw of [false, true]) {
      const { language, confidence } = await infer(text, raw)
      const own = classify(model, text)
      assert.equal(language, own.language, text)
      assert.ok(
        Math.abs((confidence as number) - own.confidence) < 1e-4,
        `${String(confidence)} ${own.confidence}`,
      )
    }
  const { status, says } = await refused('nobody')
  assert.deepEqual([status, says?.includes('NOT_FOUND')], [404, true], says)
  close()
})

test('a release from one to the other through every gate that asks', async () => {
  const { id: first } = await beryl.deploy('v1')
  await beryl.until(first, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  await beryl.api('POST', `/releases/${first}/approve`, {})
  await beryl.until(first, ({ phase }) => phase === 'watching', 'watching')
  traffic = asking()
  await beryl.until(first, ({ phase }) => phase === 'stabilizing' || phase === 'finished', 'over')
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
  const { gates } = await beryl.release(id)
  for (const gate of gates) {
    assert.ok(gate.state === 'decided', gate.name)
    if (gate.name !== 'shadow') assert.equal(gate.verdict, 'pass', `${gate.name}: ${gate.because}`)
    else assert.match(gate.because, /differs from live v1 on/)
  }
  await beryl.api('POST', `/releases/${id}/approve`, {})
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
})

async function asking(): Promise<string[]> {
  const client = ask(new URL(beryl.gateway).host)
  const lost: string[] = []
  for (let turn = 0; !stopped; turn++) {
    await client
      .infer(texts[turn % texts.length]!, turn % 2 === 0)
      .catch((error: Error) => lost.push(error.message))
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  client.close()
  return lost
}
