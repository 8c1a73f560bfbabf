/** Pools of model servers: how a model is asked for there, who has a place, and what is said of it. Deciding is `release/pool.ts`. */
import type { PlanView } from '../api/shapes.ts'
import type { Manifest, ServiceManifest } from '../config/manifest.ts'
import { peerOfPool, serversOf } from '../config/pools.ts'
import { readyPathOf, targetOf } from '../gateway/pooled.ts'
import type { Address, Labels, PoolSpec, ReplicaSeen, Template } from '../providers/provider.ts'
import { placesOf, pushedOutBy } from '../release/pool.ts'
import type { Lease } from '../release/pool.ts'
import type { Service } from '../release/release.ts'
import type { PoolFact } from '../release/seen.ts'

/** Of a release's plan; `model`: what versions are called there, {version} to be filled in. */
export type SharedPool = {
  pool: string
  servers: readonly Address[]
  /** Places of each server. */
  models: number
  model: string
  withinS: number
  tls?: PoolSpec['tls']
  price?: PoolSpec['price']
}

export function sharedIn(
  { standby }: Pick<ServiceManifest, 'standby'>,
  pools: Manifest['pools'],
  directory: string,
): { shared?: SharedPool } {
  const rung = standby.find((one) => 'shared' in one)
  const found = rung === undefined ? undefined : pools[rung.pool]
  if (rung === undefined || found === undefined) return {}
  const { models, within, price } = found
  const servers = serversOf(found).map(({ host, port }) => ({ host, port }))
  const tls = peerOfPool(found, directory)
  return {
    shared: {
      pool: rung.pool,
      servers,
      models,
      model: rung.model,
      withinS: within,
      ...(tls === undefined ? {} : { tls }),
      ...(price === undefined
        ? {}
        : { price: { placeHour: price.serverHour / models, currency: price.currency } }),
    },
  }
}

/** @param own how replicas of this version are looked at where they are the service's own */
export function memberOf(
  { pool, servers, models, model: named, withinS, tls, price }: SharedPool,
  version: string,
  own: Template,
): Omit<PoolSpec, keyof Labels> {
  const model = named.replaceAll('{version}', version)
  const path = readyPathOf(model)
  const { version: asked } = own.ready
  // Who it says it is: what the manifest asks of this version, else the name that only this version has.
  const identity =
    asked === undefined
      ? { path: `/v2/models/${encodeURIComponent(model)}`, answer: '$.name', is: model }
      : { ...asked, path: targetOf(asked.path, model) }
  const call = (what: 'load' | 'unload') => ({
    method: 'POST' as const,
    path: `/v2/repository/models/${encodeURIComponent(model)}/${what}`,
  })
  return {
    provider: 'pool',
    pool,
    servers,
    models,
    model,
    ...(tls === undefined ? {} : { tls }),
    ...(price === undefined ? {} : { price }),
    ready: { path, withinS, version: identity },
    sleep: { down: [call('unload')], up: [call('load')], withinS },
    alive: { ...own.alive, path },
  }
}

/** Of all services. */
export function leasesIn(
  replicas: readonly ReplicaSeen[],
  find: (service: string) => Service | null,
): (Lease & { models: number; version: string })[] {
  return replicas.flatMap((replica) => {
    const { id, pool, service: name, release, version, state } = replica
    if (pool === undefined || ['gone', 'stopping', 'failed'].includes(state.name)) return []
    const service = find(name)
    const active = service?.release ?? null
    return [
      {
        replica: id,
        pool: pool.name,
        models: pool.models,
        service: name,
        version,
        // Whose standby it is: people know it by the release that left it.
        release: active?.id ?? release,
        isLoaded: state.name === 'ready' || state.name === 'unready',
        rollback: service?.live?.release === release ? backSince(active) : null,
      },
    ]
  })
}

/** What is live already keeps what it has. */
function backSince(active: Service['release']): number {
  return active?.phase.name === 'rolling-back' ? active.phase.since.wall : 0
}

export type Places = ReadonlyMap<string, PoolFact>

/** By replica. Where a pool's size was changed, the smaller one counts until those that know the larger one have left. */
export function placesIn(leases: readonly (Lease & { models: number })[]): Places {
  const byPool = Map.groupBy(leases, ({ pool }) => pool)
  return new Map(
    [...byPool.values()].flatMap((all) => [
      ...placesOf(all, Math.min(...all.map(({ models }) => models))),
    ]),
  )
}

/** For a plan: what stands in the pool now, and whose way back a further standby would weaken; null: no rung `shared`. */
export function poolRoom(
  shared: SharedPool | undefined,
  service: string,
  all: readonly (Lease & { models: number; version: string })[],
): PlanView['pool'] {
  if (shared === undefined) return null
  const { models: each, servers } = shared
  const here = all.filter((one) => one.pool === shared.pool)
  // Its own, of the release before, has left by then.
  const others = here.filter((one) => one.service !== service)
  const said = ({ release, service: of, version }: Lease & { version: string }) =>
    `${version} of ${of} (standby of ${release})`
  // Until a model is in it nobody looks at its servers.
  const models = Math.min(each * servers.length, ...here.map((one) => one.models))
  const out = pushedOutBy(others, models)
  const pushed = new Set(out?.map(({ replica }) => replica))
  return {
    name: shared.pool,
    servers: servers.length,
    models,
    of: each * servers.length,
    holders: here.filter(({ isLoaded }) => isLoaded).map(said),
    pushesOut: others.filter(({ replica }) => pushed.has(replica)).map(said),
    waits: out === null,
  }
}
