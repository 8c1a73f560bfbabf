/** Cases that need contenders of their own: TLS, gRPC, WebSockets, all requests mirrored, two workers, many services and routes. */
import type { ServiceTable } from '../../src/gateway/control.ts'
import { beryl, floor, nginx } from './proxies.ts'
import type { BerylProxy, Proxy } from './proxies.ts'

export type Work = { request: string; count: number; secure?: boolean; upgrade?: string }
/** Calls of gRPC, each answered with so many messages. */
export type Calls = { path: string; count: number; messages: number }
export type Costs = (
  proxies: readonly Proxy[],
  work: Work | Calls,
) => Promise<Map<string, number[]>>

const services = 1000
const pathsEach = 10

/** @param costs CPU seconds per request of each, one figure a round, interleaved */
export async function mirrored(
  models: { live: number; copy: number },
  work: Work,
  costs: Costs,
): Promise<{ ratios: Map<string, number[]>; copied: number }> {
  const gateway = await beryl([models.live, models.copy], { copies: true })
  const both = [
    await nginx(models.live, { mirror: models.copy }),
    gateway,
    { ...(await beryl([models.live, models.copy])), name: 'no copies' },
    await floor(models.live, models.copy),
  ]
  try {
    const found = await costs(both, work)
    const { copies } = await gateway.client.metrics()
    const all = Object.values(copies).reduce((sum, one) => sum + one, 0)
    const ratios = both.slice(1).map(({ name }) => [name, ratiosOf(found, name)] as const)
    return { ratios: new Map(ratios), copied: (copies['bench sent'] ?? 0) / all }
  } finally {
    for (const proxy of both) await proxy.stop()
  }
}

/** Kept connections over TLS. @returns ratios for each work */
export async function overTls(
  model: number,
  works: readonly Work[],
  costs: Costs,
): Promise<number[][]> {
  const both = [
    await nginx(model, { secure: true }),
    await beryl([model, model], { secure: true }),
  ] as const
  try {
    const all: number[][] = []
    for (const work of works) all.push(ratiosOf(await costs(both, { ...work, secure: true })))
    return all
  } finally {
    for (const proxy of both) await proxy.stop()
  }
}

/** HTTP/2 without TLS on both sides. @returns ratios for each kind of call */
export async function overGrpc(
  model: number,
  kinds: readonly Calls[],
  costs: Costs,
): Promise<number[][]> {
  const both = [
    await nginx(model, { grpc: true }),
    await beryl([model, model], { speaks: 'grpc' }),
  ] as const
  try {
    const all: number[][] = []
    for (const calls of kinds) all.push(ratiosOf(await costs(both, calls)))
    return all
  } finally {
    for (const proxy of both) await proxy.stop()
  }
}

export async function twoWorkers(model: number, work: Work, costs: Costs): Promise<number[]> {
  const both = [
    await nginx(model, { workers: 2 }),
    await beryl([model, model], { workers: 2 }),
  ] as const
  try {
    return ratiosOf(await costs(both, work))
  } finally {
    for (const proxy of both) await proxy.stop()
  }
}

/** One service beside one that is one of many, each with rules of its own for several paths. */
export async function many(
  model: number,
  work: Work,
  costs: Costs,
): Promise<{ ratios: number[]; switchMs: Record<'one' | 'many', number[]> }> {
  const one = await beryl([model, model])
  const crowded = await beryl([model, model])
  try {
    for (let index = 0; index < services; index++) {
      const service = `other-${index}`
      const table = {
        ...crowdedTable(crowded, 1),
        service,
        route: { host: `${service}.bench`, path: '/' },
      }
      await crowded.client.putTable(service, { table, back: null })
    }
    await crowded.client.putTable('bench', { table: crowdedTable(crowded, 2), back: null })
    const found = await costs(
      [
        { ...one, name: 'one' },
        { ...crowded, name: 'many' },
      ],
      work,
    )
    const ratios = found.get('many')!.map((cost, round) => cost / found.get('one')![round]!)
    const switchMs = { one: [] as number[], many: [] as number[] }
    for (let generation = 3; generation < 103; generation++)
      for (const [name, proxy] of [
        ['one', one],
        ['many', crowded],
      ] as const) {
        const table = name === 'one' ? proxy.table(generation) : crowdedTable(proxy, generation)
        const { prepareMs, storeMs } = await proxy.client.putTable('bench', { table, back: null })
        switchMs[name].push(prepareMs + storeMs)
      }
    return { ratios, switchMs }
  } finally {
    await one.stop()
    await crowded.stop()
  }
}

function crowdedTable(proxy: BerylProxy, generation: number): ServiceTable {
  const paths = Array.from({ length: pathsEach }, (_, index) => ({
    path: `/v1/path-${index}`,
    firstByteMs: 1000 * (index + 1),
  }))
  return { ...proxy.table(generation), rules: { paths } }
}

function ratiosOf(found: Map<string, number[]>, whose = 'Beryl'): number[] {
  return found.get(whose)!.map((cost, round) => cost / found.get('nginx')![round]!)
}
