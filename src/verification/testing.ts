/** For tests only: model servers on real sockets, golden sets in real files. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { usualRisk } from './compare/counts.ts'
import type { GateSpec, RequestShape, Target } from './gate.ts'
import type { Means } from './runs.ts'

/** `hang`: no answer. `close`: the connection is closed instead. `cut`: closed in the middle of the answer. `stall`: half an answer. */
export type Behaviour =
  | { label: unknown; afterMs?: number }
  | { raw: string; status?: number }
  | { bytes: number }
  | 'hang'
  | 'close'
  | 'cut'
  | 'stall'

export type Model = {
  address: string
  /** Every request that has come, with its body. */
  asked: {
    body: string
    test: string | undefined
    url: string
    method: string
    headers: IncomingHttpHeaders
  }[]
}

/** A model server of the test: what it does with an input is asked of `behave`. Closed when the test ends. */
export async function model(
  context: TestContext,
  behave: (input: { text?: string }, count: number) => Behaviour,
): Promise<Model> {
  const asked: Model['asked'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const test = request.headers['beryl-test'] as string | undefined
      const { url = '', method = '', headers } = request
      asked.push({ body, test, url, method, headers })
      void answer(response, behave(body === '' ? {} : (JSON.parse(body) as {}), asked.length))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

async function answer(response: ServerResponse, behaviour: Behaviour): Promise<void> {
  if (behaviour === 'hang') return
  if (behaviour === 'close') return void response.destroy()
  if (behaviour === 'cut' || behaviour === 'stall') {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('{"label": ', () => behaviour === 'cut' && response.destroy())
    return
  }
  if ('bytes' in behaviour) {
    response.writeHead(200)
    const piece = Buffer.alloc(1024 * 1024, 'x')
    for (let sent = 0; sent < behaviour.bytes && !response.destroyed; sent += piece.length) {
      response.write(piece)
      await new Promise(setImmediate)
    }
    return void response.end()
  }
  if ('raw' in behaviour) {
    return void response.writeHead(behaviour.status ?? 200).end(behaviour.raw)
  }
  if (behaviour.afterMs !== undefined) await sleep(behaviour.afterMs)
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ label: behaviour.label }))
}

export function target(version: string, ...models: readonly Model[]): Target {
  return { version, environment: 'green', addresses: models.map(({ address }) => address) }
}

export async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'beryl-examiner-'))
  context.after(() => rm(path, { recursive: true, force: true }))
  return path
}

/** Writes the lines as they are, or as JSON. */
export async function goldenFile(
  context: TestContext,
  lines: readonly unknown[],
): Promise<{ file: string; digest: string }> {
  const file = join(await directory(context), 'golden.jsonl')
  const text = lines
    .map((line) => (typeof line === 'string' ? line : JSON.stringify(line)))
    .join('\n')
  await writeFile(file, text)
  return { file, digest: `sha256:${createHash('sha256').update(text).digest('hex')}` }
}

/** Inputs `a0`, `b1`, `a2`, …, each labelled by its first letter. */
export function labelled(count: number): { request: { text: string }; expected: string }[] {
  return Array.from({ length: count }, (_, index) => {
    const label = index % 2 === 0 ? 'a' : 'b'
    return { request: { text: `${label}${index}` }, expected: label }
  })
}

/** The right answer to an input of `labelled`. */
export function right({ text }: { text?: string }): Behaviour {
  return { label: text?.[0] }
}

type GoldenSet = GateSpec & { kind: 'goldenSet' }
type WarmUp = GateSpec & { kind: 'warmUp' }

/** @param timeoutS short only where nothing is meant to answer: a busy machine takes its time */
export function classify(timeoutS: number): RequestShape {
  return { method: 'POST', path: '/classify', headers: {}, timeoutS }
}

export function goldenSpec(
  more: Partial<GoldenSet> & Pick<GoldenSet, 'file' | 'digest'>,
): GoldenSet {
  return {
    kind: 'goldenSet',
    protocol: 'http',
    request: classify(10),
    answer: '$.label',
    score: { kind: 'exact' },
    atLeast: null,
    atMost: null,
    noWorseBy: null,
    expects: null,
    slice: null,
    perSlice: null,
    withinS: 20,
    concurrency: 8,
    ...more,
  }
}

export function warmUpSpec(more: Partial<WarmUp> = {}): WarmUp {
  return {
    kind: 'warmUp',
    protocol: 'http',
    withinS: 20,
    until: 'stable',
    request: classify(10),
    file: null,
    captured: null,
    concurrency: 4,
    ...more,
  }
}

type Shadow = GateSpec & { kind: 'shadow' }
type Replay = GateSpec & { kind: 'replay' }

const pairs = {
  how: { protocol: 'json', ignore: [], tolerances: [], text: 'exact' },
  noWorseBy: 0.02,
  slice: null,
  risk: usualRisk,
  liveAgain: 0.2,
  redact: { paths: [], headers: [], patterns: [] },
  timeoutS: 1,
  withinS: 20,
  concurrency: 8,
} as const

export function shadowSpec(more: Partial<Shadow> = {}): Shadow {
  return { kind: 'shadow', ...pairs, share: 1, atLeast: 300, ...more }
}

export function replaySpec(more: Partial<Replay> = {}): Replay {
  const copy = { methods: ['GET', 'POST'], exclude: ['/admin'] }
  return { kind: 'replay', ...pairs, requests: 300, speed: null, headers: {}, copy, ...more }
}

/** Polls until the condition holds; fails with what was waited for. */
export async function eventually<Value>(
  look: () => Promise<Value | null> | Value | null,
  what: string,
  limitMs = 30_000,
): Promise<Value> {
  const until = performance.now() + limitMs
  for (;;) {
    const value = await look()
    if (value !== null) return value
    if (performance.now() > until) throw new Error(`waited ${limitMs} ms for ${what}`)
    await sleep(10)
  }
}

/** Waits for the end of a process that is no child of the test; a zombie that nobody waits for has ended too. */
export async function ended(pid: string): Promise<void> {
  await eventually(async () => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
    return stat === null || /\) [ZX] /.test(stat) ? true : null
  }, `the end of process ${pid}`)
}

/** A service of which nothing is recorded. */
export const unrecorded = { service: 'tiny', captures: { newest: async () => [] } }

/** For gates that need none. */
export const noTraffic: Means = {
  tap: { listen: () => () => {} },
  captures: { newest: async () => [] },
}

/** Never aborted: for tests in which nothing takes long. */
export const calm = (): { signal: AbortSignal; progress: () => void } => ({
  signal: new AbortController().signal,
  progress: () => {},
})
