/**
 * A real llama.cpp (`llama-server` in router mode) whose standby sleeps: real models are unloaded, tried out and rolled back to under live
 * traffic, and every answer is held against what our own engine writes with the same weights. Without Python this fails; on a processor that
 * the program cannot run on it is skipped, and says so.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { installLlamaServer, llamaServerVersion, memoryOf, unfit } from '../support/llama-cpp.ts'
import { pidsWith } from '../support/mlserver.ts'

const examples = join(import.meta.dirname, '..', '..', 'examples', 'moby-pico')
type Engine = { write: (asked: object) => Promise<object> }
type Tokenizer = {
  encode: (text: string) => number[]
  decode: (tokens: readonly number[]) => Uint8Array
}
/** The examples are checked by rules of their own. */
const example = async <Exports>(file: string) =>
  (await import(pathToFileURL(join(examples, file)).href)) as Exports
const { writeGguf } = await example<{ writeGguf: (version: string, file: string) => void }>(
  'gguf.ts',
)
const { loadModel } = await example<{ loadModel: (file: string) => object }>('model.ts')
const { engineOf } = await example<{ engineOf: (model: object) => Engine }>('engine.ts')
const { loadTokenizer } = await example<{ loadTokenizer: (file: string) => Tokenizer }>(
  'tokenizer.ts',
)

const versions = ['v1', 'v2'] as const
type Version = (typeof versions)[number]
const tokenizer = loadTokenizer(join(examples, 'models', 'tokenizer.json'))
const engines = Object.fromEntries(
  versions.map((version) => [
    version,
    engineOf(loadModel(join(examples, 'models', `${version}.bin`))),
  ]),
) as Record<Version, Engine>
const prompts = [
  'The captain looked at the sea and',
  'Call me',
  'It was a dark night and the whale',
]
const tokensMax = 16
/** By prompt, what each version writes. */
const expected = new Map<string, Record<Version, string>>()

const directory = mkdtempSync(join(tmpdir(), 'beryl-llama-cpp-'))
const weightsOf = (version: Version) => join(directory, version, 'moby-pico.gguf')

let program: string
let beryl: Running
let stopped = false
let traffic: Promise<void>
/** What nobody should have been told. */
const lost: string[] = []
const answered = { v1: 0, v2: 0 }
let release = ''

const skip = unfit() ?? false
if (skip === false) {
  before(setUp)
  after(tearDown)
}
after(() => rmSync(directory, { recursive: true, force: true }))

async function setUp(): Promise<void> {
  program = await installLlamaServer(join(directory, 'python'))
  for (const version of versions) {
    mkdirSync(join(directory, version))
    writeGguf(version, weightsOf(version))
  }
  for (const prompt of prompts) {
    const text = async (version: Version) =>
      textOf(await greedy(version, tokenizer.encode(prompt), tokensMax))
    expected.set(prompt, { v1: await text('v1'), v2: await text('v2') })
  }
  const golden = prompts.map((prompt, seed) => {
    const request = { model: 'moby-pico', prompt, max_tokens: tokensMax, temperature: 0.8, seed }
    return JSON.stringify({ request, expected: null })
  })
  beryl = await startBeryl({
    models: {},
    files: { 'prompts.jsonl': golden.join('\n') },
    manifest: manifest(),
  })
  await went('v1', ({ phase }) => phase === 'finished')
  traffic = asking()
}

async function tearDown(): Promise<void> {
  stopped = true
  await traffic
  assert.equal(await beryl.stop(), 0)
  const left = versions.flatMap((one) => [join(directory, one), weightsOf(one)].flatMap(pidsWith))
  assert.deepEqual(left, [], 'routers and models end with Beryl')
  console.log(`answered: ${JSON.stringify(answered)}, lost: ${lost.length}`)
  assert.deepEqual(lost, [], 'each was answered, and as its version does')
  assert.ok(answered.v1 > 0 && answered.v2 > 0)
}

async function went(version: Version, where: Parameters<Running['until']>[1]): Promise<string> {
  const { id } = await beryl.deploy(version)
  await beryl.until(id, where, `${version} to be so`)
  return id
}
const placeOf = async (role: 'standby' | 'live') => {
  const { environments } = await beryl.service()
  return Object.values(environments).find((one) => one.role === role)!
}
const replica = async (role: 'standby' | 'live') => (await placeOf(role)).replicas[0]!
const isAsleep = ({ waitingFor }: { waitingFor: string | null }) =>
  waitingFor?.startsWith('the standby: asleep for another') === true

/** With no more context than 128 tokens: further back our engine does not look. */
async function writesAsOurs(version: Version): Promise<void> {
  const { address } = await replica('live')
  const prompt = tokenizer.encode(prompts[0]!)
  const body = { model: 'moby-pico', prompt, max_tokens: 80, temperature: 0 }
  const { text } = await completed(`http://${address}`, body)
  assert.equal(text, textOf(await greedy(version, prompt, 80)))
}

test('llama.cpp writes what our own engine writes with the same weights', { skip }, async () => {
  console.log(await llamaServerVersion(program))
  await writesAsOurs('v1')
})

test(
  'the standby leaves memory once its way back was tried out, and stays out',
  { skip },
  async () => {
    const { pid } = await replica('live')
    const awake = memoryOf(pid!)
    assert.equal(awake.processes, 2, 'the router, and the model that it has loaded')
    release = await went('v2', isAsleep)
    await eventually(
      () => memoryOf(pid!).processes === 1,
      () => 'its model to leave',
    )
    await writesAsOurs('v2')
    const standby = await replica('standby')
    assert.deepEqual([standby.pid, standby.state], [pid, 'asleep'])
    const asleep = memoryOf(pid!)
    console.log(`memory: ${mega(awake.bytes)} awake, ${mega(asleep.bytes)} asleep`)
    assert.ok(asleep.bytes < 0.6 * awake.bytes)
    const { wayBack } = await beryl.service()
    assert.ok(wayBack.possible && wayBack.drillFailed === null, JSON.stringify(wayBack))
    console.log(`drill: ${wayBack.measuredMs} ms to full capacity`)
    const path = '/props?model=moby-pico&autoload=false'
    const isLoaded = async () => (await fetch(`http://${standby.address}${path}`)).status === 200
    assert.equal(await isLoaded(), false)
    // Whoever looks at it again must not ask what would load it.
    beryl.kill('controller')
    await eventually(
      async () => (await replica('standby').catch(() => null))?.state === 'asleep',
      () => 'the next controller to know that it sleeps',
    )
    const before = answered.v2
    await eventually(
      () => answered.v2 > before + 30,
      () => 'live to answer',
    )
    assert.equal(await isLoaded(), false)
    assert.equal((await replica('standby')).pid, pid)
  },
)

test('no client puts a server to sleep, however the path is written', { skip }, async () => {
  for (const path of ['/models/unload', '/models%2Funload', '/v1/../models/unload'])
    assert.equal((await fetch(beryl.gateway + path, { method: 'POST' })).status, 404, path)
})

test('a rollback loads it again, and traffic follows', { skip }, async () => {
  const { pid } = await replica('standby')
  const askedAt = performance.now()
  await beryl.api('POST', '/services/tiny/rollback', { reason: 'it answers rudely' })
  await beryl.until(release, ({ phase }) => phase === 'rolled-back', 'rolled back')
  console.log(`rolled back within ${Math.round(performance.now() - askedAt)} ms`)
  const { live } = await beryl.service()
  assert.equal(live!.version, 'v1')
  assert.equal((await replica('live')).pid, pid)
  assert.equal(memoryOf(pid!).processes, 2)
})

test(
  'where it cannot be loaded, live goes on and somebody is told; the rollback ends once it can',
  { skip },
  async () => {
    release = await went('v2', isAsleep)
    const away = `${weightsOf('v1')}.away`
    renameSync(weightsOf('v1'), away)
    await beryl.api('POST', '/services/tiny/rollback', { reason: 'it answers rudely again' })
    const waits = (text: RegExp) =>
      beryl.until(release, ({ waitingFor }) => text.test(waitingFor ?? ''), String(text))
    await waits(
      /^the standby to wake up: 1 of 1 .* asleep \(.*model name=moby-pico failed to load\)/,
    )
    const { waitingFor } = await waits(/^a ready replica in blue: .* traffic stays where it is \(/)
    assert.match(waitingFor!, /it did not wake up, 3 times/)
    const { events } = await beryl.api<{ events: { kind: string; text: string }[] }>(
      'GET',
      `/events?limit=1000`,
    )
    assert.ok(events.some(({ kind, text }) => kind === 'alarm' && text.includes('did not wake up')))
    const before = answered.v2
    await eventually(
      () => answered.v2 > before + 10,
      () => 'live to answer meanwhile',
    )
    renameSync(away, weightsOf('v1'))
    await beryl.until(release, ({ phase }) => phase === 'rolled-back', 'rolled back')
    const { wayBack, live } = await beryl.service()
    assert.equal(live!.version, 'v1', JSON.stringify(wayBack))
  },
)

/** Tokens of our own engine. */
async function greedy(
  version: Version,
  prompt: readonly number[],
  most: number,
): Promise<number[]> {
  const tokens: number[] = []
  await engines[version].write({
    prompt,
    most,
    temperature: 0,
    seed: 1,
    scored: false,
    paceMs: 0,
    wrote: ({ token }: { token: number }) => void tokens.push(token),
    signal: new AbortController().signal,
  })
  return tokens
}

function textOf(tokens: readonly number[]): string {
  return Buffer.from(tokenizer.decode(tokens)).toString()
}

function mega(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/** Until it is stopped, every second one as a stream. */
async function asking(): Promise<void> {
  for (let turn = 0; !stopped; turn++) {
    const prompt = prompts[turn % prompts.length]!
    const stream = turn % 2 === 0
    const body = { model: 'moby-pico', prompt, max_tokens: tokensMax, temperature: 0, stream }
    const came = await completed(beryl.gateway, body).catch((error: Error) => error.message)
    if (typeof came === 'string' || came.text !== expected.get(prompt)![came.version])
      lost.push(`${prompt}: ${JSON.stringify(came)}`)
    else answered[came.version]++
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** @throws where nobody answers, or not 200 */
async function completed(at: string, body: object): Promise<{ version: Version; text: string }> {
  const response = await fetch(`${at}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const said = await response.text()
  if (response.status !== 200) throw new Error(`${response.status} ${said}`)
  type Piece = { choices: { text: string }[] }
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  const pieces = isStream
    ? [...said.matchAll(/^data: (\{.*)$/gm)].map(([, piece]) => JSON.parse(piece!) as Piece)
    : [JSON.parse(said) as Piece]
  if (isStream && !said.trimEnd().endsWith('data: [DONE]')) throw new Error(`cut: ${said}`)
  const text = pieces.map(({ choices }) => choices[0]?.text ?? '').join('')
  return { version: response.headers.get('beryl-version') as Version, text }
}

function manifest(): string {
  const options = '--host, 127.0.0.1, --threads, "1", --offline'
  return `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 1 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    route: { path: / }
    protocol: openai
    environment:
      provider: process
      command: [${JSON.stringify(program)}, --models-dir, "{model}", --port, "{port}", ${options}]
      ready: { path: "/props?model=moby-pico", within: 5s }
      alive: { every: 500ms, timeout: 2s, failures: 3 }
      stop: { grace: 5s }
      sleep: { by: llama.cpp, model: moby-pico, within: 20s }
    versions:
      ${versions.map((one) => `${one}: { model: ${join(directory, one)} }`).join('\n      ')}
    verify:
      - goldenSet: { file: prompts.jsonl, request: { path: /v1/completions }, score: valid, atLeast: 0.9 }
    switch: { when: verified, drain: 20s }
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 1s }, { asleep: 10m }]
`
}
