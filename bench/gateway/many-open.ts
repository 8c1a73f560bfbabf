/** Many connections at once: streams of tokens, and those that wait. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { Proxy } from './proxies.ts'
import { floor } from './proxies.ts'
import { median, row, spread, title } from './report.ts'

export const get = (path: string) =>
  `GET ${path} HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\r\n`

/** @param model its port */
export async function streams(proxies: readonly Proxy[], model: number): Promise<void> {
  const [open, every, count, rounds] = [200, 20, 150, 5]
  const alone = await floor(model)
  title(
    `token streams: ${open} at once, one event per ${every} ms: CPU per event, ratio to nginx with buffering off`,
  )
  const ratios = new Map<string, number[]>()
  // The first round is for caches and compilers.
  for (let round = 0; round <= rounds; round++) {
    const costs = new Map<string, number>()
    for (const proxy of [...proxies, alone]) {
      const before = proxy.cpu()
      await Promise.all(
        Array.from({ length: open }, () =>
          read(proxy.port, get(`/stream?every=${every}&count=${count}`)),
        ),
      )
      costs.set(proxy.name, proxy.cpu() - before)
    }
    if (round === 0) continue
    for (const [name, cost] of costs)
      ratios.set(name, [...(ratios.get(name) ?? []), cost / costs.get('nginx')!])
  }
  for (const [name, all] of ratios)
    if (name !== 'nginx') row(name, spread(all), name === 'Beryl' ? 1 : null, median(all))
  await alone.stop()
  title('memory per open stream, 2,000 at once, KB')
  for (const proxy of proxies) {
    const before = proxy.memoryKb()
    const sockets = await hold(proxy.port, 2000, get('/stream?every=1000&count=60'))
    const kb = (proxy.memoryKb() - before) / 2000
    for (const socket of sockets) socket.destroy()
    row(proxy.name, `${kb.toFixed(1)} KB`, proxy.name === 'Beryl' ? 10 : null, kb)
  }
}

export async function idle(proxies: readonly Proxy[]): Promise<void> {
  title('memory per idle connection, 10,000 open, KB')
  for (const proxy of proxies) {
    const before = proxy.memoryKb()
    const sockets = await hold(proxy.port, 10_000, null)
    const kb = (proxy.memoryKb() - before) / 10_000
    for (const socket of sockets) socket.destroy()
    row(proxy.name, `${kb.toFixed(1)} KB`, proxy.name === 'Beryl' ? 10 : null, kb)
  }
}

/** Opens connections, a few at a time; with a request, waits for the first bytes of each answer. */
async function hold(port: number, count: number, request: string | null): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(200, count - sockets.length) }, () => {
      const socket = connect({ port, host: '127.0.0.1' })
      socket.on('error', () => {})
      if (request !== null) socket.write(request)
      return new Promise<Socket>((resolve) =>
        socket.once(request === null ? 'connect' : 'data', () => resolve(socket)),
      )
    })
    sockets.push(...(await Promise.all(batch)))
  }
  await new Promise((resolve) => setTimeout(resolve, 1000))
  return sockets
}

/** One request; ends with its last chunk. */
function read(port: number, request: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(request))
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      if (chunk.subarray(-5).toString('latin1') !== '0\r\n\r\n') return
      socket.destroy()
      resolve()
    })
  })
}
