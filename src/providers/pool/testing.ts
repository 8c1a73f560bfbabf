/** For tests only: a pool server of ours (a fake: it holds no model), and a provider that is given its address. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Bench, Kind } from '../provider.contract.ts'
import type { Labels, Looks, PoolSpec, Provider } from '../provider.ts'
import { journalFake, looksOf, silentLog } from '../testing.ts'
import { askJson } from '../external/testing.ts'
import { poolProvider } from './pool-provider.ts'

export type PoolServer = Awaited<ReturnType<typeof poolServer>>

/** It says what was asked of it, and may refuse. */
export async function poolServer(secret?: { cert: string; key: string }) {
  const one = {
    loaded: new Set<string>(),
    /** The most that were loaded at the same time. */
    most: 0,
    calls: [] as string[],
    /** How often it was asked what it holds. */
    looks: 0,
    /** By what is done: what it answers instead of doing it. */
    refuses: new Map<'load' | 'unload' | 'ready', number>(),
    /** As Triton, it answers `unload` at once, and has these in memory until somebody takes them out. */
    unloading: null as Set<string> | null,
    /** What it says is loaded, in place of the truth. */
    index: null as unknown,
    /** It takes requests, and answers none. */
    isMute: false,
    port: 0,
    /** Again at the same port, with nothing in memory, or with what it had. */
    listen: async () => {
      await new Promise<void>((resolve) => server.listen(one.port, '127.0.0.1', resolve))
      one.port = (server.address() as AddressInfo).port
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const [, model = '', what = ''] =
      /^\/v2\/(?:repository\/)?models\/([^/]+)(?:\/(\w+))?$/.exec(request.url ?? '') ?? []
    if (one.isMute) return
    if (what !== '' && request.method === 'POST') one.calls.push(`${what} ${model}`)
    const refused = one.refuses.get(what as 'load')
    const isThere = what === 'load' || what === 'unload' || model === '' || one.loaded.has(model)
    const status = refused ?? (isThere ? 200 : 404)
    if (status === 200 && what === 'load') one.loaded.add(model)
    if (status === 200 && what === 'unload' && one.loaded.delete(model)) one.unloading?.add(model)
    one.most = Math.max(one.most, one.loaded.size)
    response.writeHead(status, { 'content-type': 'application/json' })
    const index = () =>
      one.index ?? [
        ...[...one.loaded].map((name) => ({ name, state: 'READY' })),
        ...[...(one.unloading ?? [])].map((name) => ({ name, state: 'UNLOADING' })),
        { name: 'never-asked-for' },
        { name: 'unloaded', state: 'UNAVAILABLE', reason: 'unloaded' },
      ]
    const isIndex = request.url === '/v2/repository/index'
    if (isIndex) one.looks++
    response.end(JSON.stringify(isIndex ? index() : { name: model, port: one.port }))
  }
  const server = secret === undefined ? createServer(answer) : createSecureServer(secret, answer)
  await one.listen()
  return one
}

/** @param change `model`, and what is asked of a pool of one place */
export function poolSpec(
  { port }: Pick<PoolServer, 'port'>,
  { model = 'm1', models = 1, ...change }: Partial<PoolSpec> = {},
): PoolSpec {
  const call = (what: string) =>
    ({ method: 'POST', path: `/v2/repository/models/${model}/${what}` }) as const
  const path = `/v2/models/${model}/ready`
  const looks = looksOf()
  return {
    ...looks,
    provider: 'pool',
    pool: `spare-${port}`,
    servers: [{ host: '127.0.0.1', port }],
    models,
    model,
    ready: {
      path,
      withinS: 10,
      version: { path: `/v2/models/${model}`, answer: '$.name', is: model },
    },
    alive: { ...looks.alive, path },
    sleep: { down: [call('unload')], up: [call('load')], withinS: 5 },
    ...change,
  }
}

export type PoolBench = Awaited<ReturnType<typeof poolBench>>

/** Each replica of the contract is in a pool of its own: in one pool they would have one address. */
export async function poolBench() {
  const servers = await Promise.all(Array.from({ length: 4 }, () => poolServer()))
  const unready = await poolServer()
  unready.refuses.set('ready', 503)
  const journal = journalFake<PoolSpec>()
  let next = 0
  return {
    journal,
    servers,
    provider: () => poolProvider({ journal, log: silentLog }),
    spec: (kind: Kind, change: Partial<Labels & Looks> = {}): PoolSpec => {
      const { ready, ...rest } = change
      const own = poolSpec(kind === 'serves' ? servers[next++ % servers.length]! : unready)
      const withinS = ready?.withinS ?? own.ready.withinS
      const sleep = own.sleep
      return { ...own, ...rest, sleep, ready: { ...own.ready, withinS } }
    },
    ask: ({ host, port }) => askJson({ host, port }),
    failJournal: (message) => journal.failWith(message),
    dispose: async () =>
      void (await Promise.all([...servers, unready].map((server) => server.close()))),
  } satisfies Bench<PoolSpec> & Record<string, unknown>
}

export async function withPool(
  act: (provider: Provider<PoolSpec>, bench: PoolBench) => Promise<void>,
): Promise<void> {
  const bench = await poolBench()
  const provider = bench.provider()
  try {
    await provider.open()
    await act(provider, bench)
  } finally {
    await provider.close()
    await bench.dispose()
  }
}
