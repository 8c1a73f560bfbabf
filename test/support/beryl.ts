/** A real Beryl in a temporary directory: its own processes, ports and model servers. Nothing outlives `stop`. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask } from '../../src/api/ask.ts'
import type { ReleaseView, ServiceView } from '../../src/api/shapes.ts'
import { readIdentity } from '../../src/ipc/identity.ts'
import { assertContract } from './contract.ts'
import { steadyTraffic } from './traffic.ts'

const program = fileURLToPath(new URL('../../bin/beryl.js', import.meta.url))
const modelServers = {
  json: fileURLToPath(new URL('../fixtures/model.js', import.meta.url)),
  grpc: fileURLToPath(new URL('../fixtures/grpc-model.ts', import.meta.url)),
}

/** How a fixture model behaves; see test/fixtures/model.js. */
export type Model = Record<string, unknown>

export type Setup = {
  models: Record<string, Model>
  /** YAML lines under `services.tiny`, indented by four spaces; replaces the defaults given here. */
  service?: string
  replicas?: number
  /** Of the gateway. */
  workers?: number
  /** In place of all of the manifest: its service must be `tiny`. */
  manifest?: string
  goldenLines?: readonly unknown[]
  protocol?: 'json' | 'grpc'
  /** More keys of `gateway`, e.g. `, tls: { cert: a, key: b }`. */
  gateway?: string
  /** More keys of `api`, in the same way. */
  api?: string
  /** More keys of `environment.price`, e.g. `, spotReplicaHour: 1`. */
  price?: string
  /** More keys of `environment`, a line each, indented by six spaces. */
  environment?: string
  /** Called before it starts, with its data directory, which is not there yet. */
  prepare?: (data: string) => void
  /** More files beside the manifest, by name. */
  files?: Record<string, string>
}

export type Running = Awaited<ReturnType<typeof startBeryl>>

/** For what must happen; a busy machine takes its time, and a right one never waits so long. */
export const waitMs = 60_000

export async function startBeryl({
  models,
  service = defaultService,
  replicas = 1,
  workers = 2,
  goldenLines = golden(40),
  protocol = 'json',
  gateway = '',
  api: ofApi = '',
  environment = '',
  price = '',
  files = {},
  prepare = () => {},
  manifest: written = manifest({
    versions: Object.keys(models),
    service,
    replicas,
    workers,
    protocol,
    gateway,
    api: ofApi,
    environment,
    price,
  }),
}: Setup) {
  const directory = await mkdtemp(join(tmpdir(), 'beryl-story-'))
  const data = join(directory, 'data')
  for (const [version, model] of Object.entries(models))
    await writeFile(join(directory, `${version}.json`), JSON.stringify(model))
  await writeFile(
    join(directory, 'golden.jsonl'),
    goldenLines.map((line) => JSON.stringify(line)).join('\n'),
  )
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  await writeFile(join(directory, 'beryl.yaml'), written)
  prepare(data)
  let supervisor = await startSupervisor()
  let running = JSON.parse(await readFile(join(data, 'running.json'), 'utf8')) as {
    url: string
    gateway: string
    preview: string
    cert?: string
  }
  const token = (await readFile(join(data, 'admin.token'), 'utf8')).trim()

  return {
    directory,
    data,
    get gateway() {
      return running.gateway
    },
    get preview() {
      return running.preview
    },
    get apiUrl() {
      return running.url
    },
    token,
    service: () => api<ServiceView>('GET', '/services/tiny'),
    deploy: (version: string) => api<ReleaseView>('POST', '/services/tiny/releases', { version }),
    release: (id: string) => api<ReleaseView>('GET', `/releases/${id}`),
    api,
    cli: (...args: string[]) => cli(args),
    /** The same with somebody's token. */
    cliAs: (given: string, ...args: string[]) => cli(args, { BERYL_TOKEN: given }),
    /** Waits until the release satisfies the condition; fails with what it saw instead. */
    until: async (id: string, condition: (release: ReleaseView) => boolean, what: string) => {
      let last: ReleaseView | null = null
      await eventually(
        async () => {
          last = await api<ReleaseView>('GET', `/releases/${id}`)
          return condition(last)
        },
        () =>
          `${id} to be ${what}; it is ${last?.phase}, waiting for ${last?.waitingFor}, because ${last?.because}`,
      )
      return last!
    },
    /** Deploys and sees the release through its watch, with traffic of its own: a watch ends on evidence only. */
    deployed: async (version: string) => {
      const { id } = await api<ReleaseView>('POST', '/services/tiny/releases', { version })
      let traffic: ReturnType<typeof steadyTraffic> | null = null
      let last: ReleaseView | null = null
      try {
        await eventually(
          async () => {
            last = await api<ReleaseView>('GET', `/releases/${id}`)
            if (last.phase === 'watching')
              traffic ??= steadyTraffic(running.gateway, { pauseMs: 0 })
            return ['stabilizing', 'finished'].includes(last.phase)
          },
          () =>
            `${version} to be live and past its watch; it is ${last?.phase}, waiting for ${last?.waitingFor}, because ${last?.because}`,
        )
      } finally {
        await (traffic as ReturnType<typeof steadyTraffic> | null)?.stop()
      }
      return id
    },
    /** `kill -9` of one of Beryl's processes; answers its pid. */
    kill: (role: 'gateway' | 'controller' | 'examiner') => {
      const pid = readIdentity(join(data, `${role}.process.json`))!.pid
      process.kill(pid, 'SIGKILL')
      return pid
    },
    pidOf: (role: 'gateway' | 'controller' | 'examiner') =>
      readIdentity(join(data, `${role}.process.json`))?.pid ?? null,
    /** The supervisor's pid, as it wrote it down. */
    runningPid: async () =>
      (JSON.parse(await readFile(join(data, 'running.json'), 'utf8')) as { pid: number }).pid,
    killSupervisor: async () => {
      const ended = new Promise((resolve) => supervisor.once('exit', resolve))
      supervisor.kill('SIGKILL')
      await ended
    },
    /** `takeOver`: of the one that runs, which steps aside; answers how that one ended. */
    restartSupervisor: async ({ takeOver = false } = {}) => {
      const before = supervisor
      const ended = new Promise<number | null>((resolve) => before.once('exit', resolve))
      supervisor = await startSupervisor(takeOver ? ['--take-over'] : [])
      if (takeOver) assert.equal(await ended, 0)
      running = JSON.parse(await readFile(join(data, 'running.json'), 'utf8')) as typeof running
    },
    /** Whoever read what `beryl up` says is gone. */
    hangUp: () => {
      supervisor.stdout!.destroy()
      supervisor.stderr!.destroy()
    },
    /** Ctrl-C; the directory stays. */
    interrupt: async () => {
      const ended = new Promise((resolve) => supervisor.once('exit', resolve))
      supervisor.kill('SIGINT')
      await ended
    },
    /** Ctrl-C, and everything is gone. Answers the exit code. */
    stop: async (): Promise<number | null> => {
      if (supervisor.exitCode !== null || supervisor.signalCode !== null)
        supervisor = await startSupervisor()
      const ended = new Promise<number | null>((resolve) =>
        supervisor.once('exit', (code) => resolve(code)),
      )
      supervisor.kill('SIGINT')
      const code = await ended
      await rm(directory, { recursive: true, force: true })
      return code
    },
  }

  async function startSupervisor(more: readonly string[] = []): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      [program, 'up', '-f', join(directory, 'beryl.yaml'), '--data', data, ...more],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let said = ''
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Beryl is up')) resolve()
      }
      child.stdout.on('data', hear)
      child.stderr.on('data', hear)
      child.once('exit', (code) => reject(new Error(`beryl up ended with ${code}:\n${said}`)))
    })
    return child
  }

  async function api<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await ask(`${running.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      withinMs: 10_000,
      ca: running.cert,
    })
    const answer = (await response.json()) as Answer & { title?: string; code?: string }
    // Every answer of every story.
    const { status } = response
    const type = response.header('content-type') ?? ''
    assertContract({ method, path: `/api/v1${path}`, status, type, body: answer })
    if (!response.ok)
      throw Object.assign(
        new Error(`${method} ${path} answered ${response.status} ${answer.code}: ${answer.title}`),
        { problem: answer },
      )
    return answer
  }

  async function cli(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<{ code: number | null; out: string; err: string }> {
    const child = spawn(process.execPath, [program, ...args, '--data', data], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { code, out, err }
  }
}

const defaultService = `
    verify:
      - warmUp: { within: 20s, request: { path: /predict } }
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, score: exact, atLeast: 0.9, noWorseBy: 0.05 }
    switch: { drain: 20s }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 10m }]
`

type Written = Required<
  Pick<
    Setup,
    'service' | 'replicas' | 'workers' | 'protocol' | 'gateway' | 'api' | 'environment' | 'price'
  >
> & {
  versions: readonly string[]
}

function manifest({
  versions,
  service,
  replicas,
  workers,
  protocol,
  gateway,
  api,
  environment,
  price,
}: Written): string {
  const path = protocol === 'grpc' ? '/inference.GRPCInferenceService/ServerReady' : '/healthz'
  return `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, preview: 127.0.0.1:0, workers: ${workers}${gateway} }
api: { listen: 127.0.0.1:0${api} }
services:
  tiny:
    protocol: ${protocol}
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(modelServers[protocol])}, "{model}", "{port}"]
      replicas: ${replicas}
      ready: { path: ${path}, within: 5s }
      alive: { path: ${path}, every: 500ms, timeout: 500ms, failures: 3 }
      stop: { grace: 1s }
      price: { replicaHour: 2.5, currency: USD${price} }
${environment}    versions:
${versions.map((version) => `      ${version}: { model: ./${version}.json }`).join('\n')}
${service}`
}

export function golden(count: number): unknown[] {
  return Array.from({ length: count }, (_, index) => {
    const text = 'x'.repeat(index + 1)
    return { request: { text }, expected: String(text.length % 2) }
  })
}

/** Polls a condition; never sleeps longer than needed to ask again. */
export async function eventually(
  condition: () => Promise<boolean> | boolean,
  what: () => string,
  limitMs = waitMs,
): Promise<void> {
  const until = Date.now() + limitMs
  let error: unknown = null
  while (Date.now() < until) {
    try {
      if (await condition()) return
      error = null
    } catch (cause) {
      error = cause
    }
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`waited ${limitMs / 1000} s for ${what()}`, { cause: error })
}
