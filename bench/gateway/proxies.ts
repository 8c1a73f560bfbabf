/** The contenders, each a real process on one core's worth of workers, doing the same work. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gatewayClient } from '../../src/gateway/client.ts'
import type { GatewayClient } from '../../src/gateway/client.ts'
import type { GatewayConfig } from '../../src/gateway/config.ts'
import type { Alive, ServiceTable } from '../../src/gateway/control.ts'
import { dataDirectory } from '../../src/ipc/data-directory.ts'
import { makePair } from '../../src/tls/testing.ts'

export type Proxy = {
  name: string
  port: number
  /** Seconds of CPU, user and system, of all its processes so far. */
  cpu(): number
  /** Proportional set size of all its processes, in KB. */
  memoryKb(): number
  stop(): Promise<void>
}

export type BerylProxy = Proxy & {
  client: GatewayClient
  table: (generation: number) => ServiceTable
  controlSocket: string
  /** Where an examiner would listen. */
  tapSocket: string
}

const packages = { nginx: 'nginx-light', haproxy: 'haproxy', caddy: 'caddy' }
const readyWithinMs = 10_000

/** @throws where one is missing and cannot be installed: a missing peer is a failure, not a skip */
export function install(): void {
  const missing = Object.entries(packages).filter(
    ([program]) => spawnSync('which', [program]).status !== 0,
  )
  if (missing.length === 0) return
  const names = missing.map(([, name]) => name)
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', ...names],
  ]) {
    const { status, stderr } = spawnSync('apt-get', args, { encoding: 'utf8' })
    if (status !== 0)
      throw new Error(
        `apt-get ${args.join(' ')} failed; install ${names.join(', ')} yourself:\n${stderr}`,
      )
  }
}

const directory = mkdtempSync(join(tmpdir(), 'beryl-bench-'))
// Each contender is one that is stopped at the exit.
process.setMaxListeners(50)
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

const pair = makePair('bench')
const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
writeFileSync(files.cert, pair.cert)
writeFileSync(files.key, pair.key)

/** @param mirror port of a second upstream that every request is copied to */
export async function nginx(
  upstream: number,
  { workers = 1, mirror = null as number | null, secure = false, grpc = false } = {},
): Promise<Proxy> {
  const port = await freePort()
  const home = join(directory, `nginx-${port}`)
  mkdirSync(home, { recursive: true })
  const config = join(home, 'nginx.conf')
  writeFileSync(
    config,
    `daemon off; worker_processes ${workers}; pid ${home}/pid; error_log ${home}/error.log warn;
events { worker_connections 20000; }
http {
  access_log off; client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy; fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  ${grpc ? 'http2_max_requests 10000000;' : ''} keepalive_requests 10000000; keepalive_timeout 300s; client_max_body_size 0;
  upstream model { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 10000000; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  ${mirror === null ? '' : `upstream copy { server 127.0.0.1:${mirror}; keepalive 256; keepalive_requests 10000000; }`}
  server {
    listen 127.0.0.1:${port} ${secure ? 'ssl' : ''} ${grpc ? 'http2' : ''} backlog=4096;
    ${secure ? `ssl_certificate ${files.cert}; ssl_certificate_key ${files.key};` : ''}
    ${mirror === null ? '' : 'location = /copy { internal; proxy_pass http://copy$request_uri; proxy_http_version 1.1; proxy_set_header Connection ""; }'}
    location / {
      ${mirror === null ? '' : 'mirror /copy;'}
      ${grpc ? 'grpc_pass grpc://model; grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;' : 'proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;'}
      proxy_buffering off; proxy_request_buffering off;
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Forwarded-Host $host;
      add_header Beryl-Version v1 always; add_header Beryl-Environment blue always; add_header Beryl-Request-Id $request_id always;
    }
  }
}`,
  )
  return started(
    'nginx',
    port,
    spawn('nginx', ['-c', config, '-e', `${home}/error.log`, '-p', home]),
  )
}

export async function haproxy(upstream: number): Promise<Proxy> {
  const port = await freePort()
  const config = join(directory, 'haproxy.cfg')
  writeFileSync(
    config,
    `global
  nbthread 1
  # It takes two descriptors for each; one that waits has one.
  no strict-limits
  maxconn 10500
defaults
  mode http
  timeout connect 2s
  timeout client 300s
  timeout server 300s
  option http-no-delay
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  unique-id-format %[uuid()]
  http-response set-header Beryl-Request-Id %ID
  http-response set-header Beryl-Version v1
  http-response set-header Beryl-Environment blue
  default_backend b
backend b
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  server m 127.0.0.1:${upstream}
`,
  )
  return started('HAProxy', port, spawn('haproxy', ['-db', '-f', config]))
}

/** Any host, for it answers 200 with nothing to a host that it does not know, and that is no proxying. */
export async function caddy(upstream: number): Promise<Proxy> {
  const port = await freePort()
  const config = join(directory, 'Caddyfile')
  writeFileSync(
    config,
    `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  header Beryl-Version v1
  header Beryl-Environment blue
  header Beryl-Request-Id {http.request.uuid}
  reverse_proxy 127.0.0.1:${upstream} {
    flush_interval -1
    header_up X-Request-Id {http.request.uuid}
  }
}
`,
  )
  const env = { ...process.env, GOMAXPROCS: '1', HOME: directory, XDG_DATA_HOME: directory }
  return started(
    'Caddy',
    port,
    spawn('caddy', ['run', '--config', config, '--adapter', 'caddyfile'], { env }),
  )
}

/** Node reading and writing, and nothing else; see floor.ts. */
export async function floor(upstream: number, copies?: number): Promise<Proxy> {
  const file = fileURLToPath(new URL('./floor.ts', import.meta.url))
  const ports = copies === undefined ? [upstream] : [upstream, copies]
  const child = spawn(process.execPath, [file, ...ports.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  )
  return started('Node alone', port, child)
}

type BerylOptions = {
  workers?: number
  /** Of Node. */
  args?: readonly string[]
  copies?: boolean
  secure?: boolean
  speaks?: 'grpc'
  alive?: Alive
  env?: NodeJS.ProcessEnv
  preview?: GatewayConfig['preview']
  more?: Partial<GatewayConfig>
}

/** @param upstreams one replica in blue and one in green */
export async function beryl(
  upstreams: readonly [number, number],
  {
    workers = 1,
    args = [],
    copies = false,
    secure = false,
    speaks,
    alive,
    env = {},
    preview = null,
    more = {},
  }: BerylOptions = {},
): Promise<BerylProxy> {
  const data = mkdtempSync(join(directory, 'beryl-'))
  const port = await freePort()
  const config: GatewayConfig = {
    dataDirectory: data,
    listen: { host: '127.0.0.1', port },
    preview,
    workers,
    headers: 'full',
    tls: secure ? [files] : null,
    accessLog: null,
    sockets: null,
    ...more,
  }
  const main = fileURLToPath(new URL('../../src/gateway/main.ts', import.meta.url))
  const child = spawn(process.execPath, [...args, main], {
    env: { ...process.env, ...env, BERYL_GATEWAY: JSON.stringify(config), BERYL_LOG: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const proxy = await started('Beryl', port, child)
  const controlSocket = join(data, 'gateway.sock')
  const client = gatewayClient(controlSocket)
  const place = (version: string, upstream: number) => ({
    version,
    release: version,
    ...(speaks === undefined ? {} : { speaks }),
    ...(alive === undefined ? {} : { alive }),
    replicas: [{ id: version, host: '127.0.0.1', port: upstream }],
  })
  /** Even generations answer from green. */
  const table = (generation: number): ServiceTable => ({
    service: 'bench',
    route: { host: null, path: '/' },
    generation,
    live: generation % 2 === 0 ? 'green' : 'blue',
    preview: preview === null ? null : generation % 2 === 0 ? 'blue' : 'green',
    environments: { blue: place('v1', upstreams[0]), green: place('v2', upstreams[1]) },
    ...(copies ? { copies: { to: 'green', share: 1, methods: ['GET', 'POST'], exclude: [] } } : {}),
  })
  for (const until = Date.now() + readyWithinMs; ;) {
    const put = await client
      .putTable('bench', { table: table(1), back: null })
      .catch((error: unknown) => error as Error)
    if (!(put instanceof Error)) break
    if (Date.now() > until) throw put
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { ...proxy, client, table, controlSocket, tapSocket: dataDirectory(data).socket('tap') }
}

async function started(name: string, port: number, child: ChildProcess): Promise<Proxy> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdout?.resume()
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const pids = () => (child.exitCode === null ? [child.pid!, ...childrenOf(child.pid!)] : [])
  const kill = () => pids().forEach((pid) => process.kill(pid, 'SIGKILL'))
  // A bench that fails halfway, or is told to stop, leaves nobody behind.
  process.once('exit', kill)
  for (const until = Date.now() + readyWithinMs; !(await accepts(port));) {
    if (child.exitCode !== null || Date.now() > until)
      throw new Error(`${name} did not start:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    name,
    port,
    cpu: () => pids().reduce((sum, pid) => sum + cpuOf(pid), 0),
    memoryKb: () => pids().reduce((sum, pid) => sum + pssOf(pid), 0),
    stop: async () => {
      process.off('exit', kill)
      kill()
      await ended
    },
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

const ticksPerSecond = 100

function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

function pssOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1])
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

/** Below those that the system gives to connections, which on a busy machine come and go before a program has bound its own. */
const [portFrom, portTo] = [15_000, 32_000]

export async function freePort(): Promise<number> {
  for (;;) {
    const port = portFrom + Math.floor(Math.random() * (portTo - portFrom))
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true))
      server.once('error', () => resolve(false))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}
