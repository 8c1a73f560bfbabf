/** How others switch: each with its own way, as its manual says. The number of the toggle comes back as a header. */
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './proxies.ts'

export type Switcher = {
  name: string
  port: number
  /** Even numbers go to the second model server. */
  toggle(number: number): Promise<void>
  stop(): Promise<void>
}

const startMs = 5000

export async function nginxReload(upstreams: readonly [number, number]): Promise<Switcher> {
  const port = await freePort()
  const home = mkdtempSync(join(tmpdir(), 'beryl-bench-nginx-'))
  const config = join(home, 'nginx.conf')
  const write = (number: number) =>
    writeFileSync(
      config,
      `daemon off; worker_processes 2; pid ${home}/pid; error_log ${home}/error.log error;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  upstream model { server 127.0.0.1:${upstreams[number % 2 === 0 ? 1 : 0]}; keepalive 64; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; add_header Toggle ${number} always; } }
}`,
    )
  write(1)
  const args = ['-c', config, '-e', `${home}/error.log`, '-p', home]
  const child = spawn('nginx', args, { stdio: 'ignore' })
  return started({ name: 'nginx reload', port, child, home }, async (number) => {
    write(number)
    spawnSync('nginx', [...args, '-s', 'reload'])
  })
}

export async function haproxyMap(upstreams: readonly [number, number]): Promise<Switcher> {
  const port = await freePort()
  const home = mkdtempSync(join(tmpdir(), 'beryl-bench-haproxy-'))
  const [config, map, admin] = [join(home, 'cfg'), join(home, 'live.map'), join(home, 'admin.sock')]
  writeFileSync(map, 'live odd-1\n')
  writeFileSync(
    config,
    `global
  nbthread 2
  stats socket ${admin} mode 600 level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  option http-no-delay
frontend f
  bind 127.0.0.1:${port}
  http-request set-var(txn.live) str(live),map(${map})
  http-response set-header Toggle %[var(txn.live)]
  use_backend odd if { var(txn.live) -m beg odd }
  default_backend even
backend odd
  server m 127.0.0.1:${upstreams[0]}
backend even
  server m 127.0.0.1:${upstreams[1]}
`,
  )
  const child = spawn('haproxy', ['-db', '-f', config], { stdio: 'ignore' })
  return started({ name: 'HAProxy set map', port, child, home }, (number) =>
    told(admin, `set map ${map} live ${number % 2 === 0 ? 'even' : 'odd'}-${number}\n`),
  )
}

export async function caddyLoad(upstreams: readonly [number, number]): Promise<Switcher> {
  const [port, admin] = [await freePort(), await freePort()]
  const home = mkdtempSync(join(tmpdir(), 'beryl-bench-caddy-'))
  mkdirSync(home, { recursive: true })
  const config = (number: number) => `{
  admin 127.0.0.1:${admin}
  auto_https off
}
http://127.0.0.1:${port} {
  header Toggle ${number}
  reverse_proxy 127.0.0.1:${upstreams[number % 2 === 0 ? 1 : 0]}
}
`
  writeFileSync(join(home, 'Caddyfile'), config(1))
  const env = { ...process.env, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home }
  const args = ['run', '--config', join(home, 'Caddyfile'), '--adapter', 'caddyfile']
  const child = spawn('caddy', args, { env, stdio: 'ignore' })
  return started({ name: 'Caddy POST /load', port, child, home }, async (number) => {
    const { ok, status } = await fetch(`http://127.0.0.1:${admin}/load`, {
      method: 'POST',
      headers: { 'content-type': 'text/caddyfile' },
      body: config(number),
    })
    if (!ok) throw new Error(`Caddy took no new configuration: ${status}`)
  })
}

async function started(
  { name, port, child, home }: { name: string; port: number; child: ChildProcess; home: string },
  toggle: Switcher['toggle'],
): Promise<Switcher> {
  process.once('exit', () => child.kill('SIGKILL'))
  for (const until = performance.now() + startMs; !(await accepts(port));) {
    if (performance.now() > until) throw new Error(`${name} did not start`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    name,
    port,
    toggle,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

function told(path: string, command: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(command))
    socket.resume()
    socket.once('close', () => resolve())
    socket.once('error', reject)
  })
}
