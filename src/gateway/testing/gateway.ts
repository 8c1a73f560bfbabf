/** A real gateway process with its workers, spoken to over its control socket, and model servers behind it. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { Agent, IncomingHttpHeaders, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataDirectory } from '../../ipc/data-directory.ts'
import { gatewayClient } from '../client.ts'
import type { GatewayConfig } from '../config.ts'
import { bindSocket, canBind } from '../wire/bind.ts'
import type { BoundSocket } from '../wire/bind.ts'
import type { Environment, EnvironmentTable, ServiceTable } from '../control.ts'

export type TestGateway = Awaited<ReturnType<typeof openGateway>>

/** @param door lets tests make a worker die or be busy at a chosen moment: see testing/worker.ts */
export async function openGateway(
  config: Partial<GatewayConfig> = {},
  door: 'with a door' | 'as it is' = 'as it is',
) {
  const root = mkdtempSync(join(tmpdir(), 'beryl-gateway-'))
  const directory = dataDirectory(root)
  const client = gatewayClient(directory.socket('gateway'))
  const bound = bindAsSupervisors(config.workers ?? 2)
  let logged = ''
  let woken = () => {}
  const children = new Set<ChildProcess>()
  let child: ChildProcess = await start()
  const { listen } = await client.state()
  const base = `http://127.0.0.1:${listen.port}`

  return {
    root,
    routes: directory.routes,
    door: (name: string) => writeFileSync(join(root, name), ''),
    isBlocked: (worker: number) => existsSync(join(root, `blocked-${worker}`)),
    client,
    base,
    port: listen.port,
    pid: () => child.pid!,
    /** Everything it has logged. */
    logged: () => logged,
    /** Waits for a line of its log. */
    untilLogged: async (text: string) => {
      while (!logged.includes(text)) await new Promise<void>((resolve) => (woken = resolve))
    },
    ask: (path = '/', options: AskOptions = {}) => ask(base + path, options),
    /** Ends it as a crash does, and starts its successor on the same port. */
    restart: async () => {
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
      config = { ...config, listen: { host: '127.0.0.1', port: listen.port } }
      child = await start()
    },
    /** Another one takes over on the same sockets. Answers the one before, and how it ended. */
    succeed: async () => {
      const before = child
      const ended = new Promise<number | null>((resolve) => before.once('exit', resolve))
      child = await start({ takesOver: true })
      return { pid: before.pid!, ended, kill: () => before.kill('SIGKILL') }
    },
    close: async () => {
      for (const socket of bound) socket.close()
      for (const one of children) {
        const gone = new Promise((resolve) => one.once('exit', resolve))
        if (one.exitCode !== null || one.signalCode !== null) continue
        one.kill('SIGKILL')
        await gone
      }
      rmSync(root, { recursive: true, force: true })
    },
  }

  async function start(more: Partial<GatewayConfig> = {}): Promise<ChildProcess> {
    const full: GatewayConfig = {
      dataDirectory: root,
      listen: { host: '127.0.0.1', port: bound[0]?.port ?? 0 },
      preview: null,
      workers: 2,
      headers: 'full',
      tls: null,
      accessLog: null,
      sockets:
        bound.length === 0 ? null : { traffic: bound.map((_, index) => index + 3), preview: [] },
      ...config,
      ...more,
    }
    const started = spawn(
      process.execPath,
      [fileURLToPath(new URL(door === 'as it is' ? '../main.ts' : './main.ts', import.meta.url))],
      {
        env: { ...process.env, BERYL_GATEWAY: JSON.stringify(full), BERYL_TEST_DOOR: root },
        stdio: ['pipe', 'pipe', 'pipe', ...bound.map(({ fd }) => fd)],
      },
    )
    children.add(started)
    const already = logged.length
    for (const stream of [started.stdout, started.stderr])
      stream!.on('data', (chunk: Buffer) => {
        logged += chunk.toString()
        woken()
      })
    while (!logged.slice(already).includes('the gateway is ready')) {
      if (started.exitCode !== null) throw new Error(`the gateway ended: ${logged}`)
      await new Promise<void>((resolve) => {
        woken = resolve
        started.once('exit', () => resolve())
      })
    }
    return started
  }
}

/** Bound here and listened on there, as where a supervisor lives. */
function bindAsSupervisors(workers: number): BoundSocket[] {
  if (!canBind()) return []
  const bound: BoundSocket[] = []
  for (let index = 0; index < workers; index++)
    bound.push(bindSocket({ host: '127.0.0.1', port: bound[0]?.port ?? 0, reusePort: true }))
  return bound
}

export type Answered = {
  status: number
  headers: IncomingHttpHeaders
  text: string
  version: string | undefined
}
type AskOptions = {
  method?: string
  body?: string
  headers?: Record<string, string>
  agent?: Agent | false
  signal?: AbortSignal
}

export function ask(
  url: string,
  { method = 'GET', body, headers = {}, agent = false, signal }: AskOptions = {},
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const options = { method, agent, headers, ...(signal === undefined ? {} : { signal }) }
    const outgoing = request(url, options, (incoming) => {
      let text = ''
      incoming.on('error', reject)
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode!,
          headers: incoming.headers,
          text,
          version: incoming.headers['beryl-version'] as string | undefined,
        }),
      )
    })
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

export type Model = Awaited<ReturnType<typeof openModel>>

/** A model server in this process. */
export async function openModel(serve: RequestListener) {
  const server = createServer({ keepAliveTimeout: 60_000 }, serve).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    server,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Reads the whole request, then answers with this text. */
export function saying(text: string): RequestListener {
  return (incoming, response) => {
    incoming.resume()
    incoming.on('end', () => response.end(text))
  }
}

export function placed(version: string, ports: readonly number[]): EnvironmentTable {
  const replicas = ports.map((port, index) => ({
    id: `${version}-${index}`,
    host: '127.0.0.1',
    port,
  }))
  return { version, release: `r-${version}`, replicas }
}

export function tableOf(
  generation: number,
  live: Environment,
  environments: Partial<Record<Environment, EnvironmentTable>>,
  more: Partial<ServiceTable> = {},
): ServiceTable {
  return {
    service: 's',
    route: { host: null, path: '/' },
    generation,
    live,
    preview: null,
    environments: { blue: environments.blue ?? null, green: environments.green ?? null },
    ...more,
  }
}

/** Asks again until it is so. */
export async function until<Value>(
  look: () => Promise<Value> | Value,
  isSo: (value: Value) => boolean,
): Promise<Value> {
  for (;;) {
    const value = await look()
    if (isSo(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
