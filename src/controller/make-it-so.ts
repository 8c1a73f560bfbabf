/** Carries one action out. No decisions here; every action may be repeated safely. */
import { randomBytes } from 'node:crypto'
import type { GatewayClient } from '../gateway/client.ts'
import type { ServiceTable, Stored, Tap } from '../gateway/control.ts'
import { percent } from '../guard/baseline.ts'
import { log } from '../log.ts'
import type {
  Looks,
  Places,
  ProcessSpec,
  Program,
  Provider,
  Template,
} from '../providers/provider.ts'
import type { Routes } from '../release/desired-world.ts'
import { nextGeneration } from '../release/enter.ts'
import { calledBack } from '../release/leases.ts'
import { heldText } from '../release/pool.ts'
import type { Action } from '../release/next-actions.ts'
import { isCandidate } from '../release/release.ts'
import type { Now, Placed, Release, Service } from '../release/release.ts'
import type { Crowd, Spent } from '../release/seen.ts'
import { forgetThen } from './forget-then.ts'
import type { Gates } from './gates/gates.ts'
import { memberOf } from './pools.ts'
import type { Rows } from './rows.ts'
import type { ControllerStore } from './store.ts'

type StartedProgram = Omit<Program, 'onSpot'> & Pick<ProcessSpec, 'spot'>

export type Hands = {
  store: ControllerStore
  rows: Rows
  gateway: GatewayClient
  provider: Provider
  gates: Gates
  /** Host and path by which clients reach a service. */
  routeOf: (service: string) => ServiceTable['route']
  /** How its requests are treated. */
  rulesOf: (service: string) => NonNullable<ServiceTable['rules']>
  /** Which of its exchanges the examiner should see now. */
  /** @param assigned requests since the gateway started */
  tapOf: (service: Service, assigned: number) => Tap | null
  /** Of its budgets. */
  spentOf: (service: Service) => readonly Spent[]
  /** Other releases that are in the way of one that waits; null: as many as want run at once. */
  crowdOf: (service: string) => Crowd | null
  now: () => Now
}

export async function makeItSo(hands: Hands, service: Service, action: Action): Promise<void> {
  switch (action.do) {
    case 'start':
      for (let index = 0; index < action.count; index++) await startReplica(hands, service, action)
      return
    case 'stop':
      return hands.provider.stop(action.replica)
    case 'wake':
      for (const replica of action.replicas) await hands.provider.wake(replica)
      return
    case 'call-back':
      return callBack(hands, service, action)
    case 'sleep':
      return forgetThen(hands, service, action.environment, async () => {
        for (const replica of action.replicas) await hands.provider.sleep(replica)
      })
    case 'push-out':
      return pushOut(hands, service, action)
    case 'stop-replaced':
      return notRouted(hands, service, action.replica, () => hands.provider.stop(action.replica))
    case 'gate':
      return startGate(hands, service, action)
    case 'route':
      return route(hands, service, action)
    case 'store-back':
      return storeBack(hands, service, action)
    case 'cut':
      return cut(hands, service, action)
    case 'retire':
      return forgetThen(hands, service, action.environment, async () => {
        for (const replica of action.replicas) await hands.provider.stop(replica)
      })
  }
}

async function startReplica(
  { store, provider }: Hands,
  service: Service,
  { environment, placed, pool, spot }: Action & { do: 'start' },
): Promise<void> {
  const plan = store.services.plan(placed.release)
  if (plan === null)
    throw new Error(`${placed.release} has no plan in the journal; this is a bug in Beryl`)
  const where = pool === undefined ? '' : `${pool}-`
  const id = `${service.name}-${environment}-${placed.release}-${where}${randomBytes(3).toString('hex')}`
  const { version, digest, release } = placed
  const labels = { id, service: service.name, environment, release, version, digest }
  if (pool !== undefined) {
    const shared = store.services.plan(service.release!.id)?.shared
    if (shared === undefined) throw new Error(`${service.release!.id} knows no pool ${pool}`)
    return provider.start({ ...labels, ...memberOf(shared, version, plan.template) })
  }
  await provider.start({
    ...labels,
    ...capacityOf(plan.template, spot === true),
    ...(mayLease(service, release) ? { leases: true } : {}),
    ...(waitsForRoom(service, placed, spot === true) ? { waits: true } : {}),
  })
}

/** What is live waits for what is being left, or replaced; what stands in for spot capacity may find no room for a while. */
function waitsForRoom({ live, standby }: Service, { release, spot }: Placed, isOnSpot: boolean) {
  if (live?.release === release) return true
  return !isOnSpot && spot !== undefined && standby?.release === release
}

function capacityOf(template: Template, isOnSpot: boolean): Looks & (StartedProgram | Places) {
  if (template.provider === 'external') return template
  const { onSpot, ...onDemand } = template
  if (!isOnSpot || onSpot === undefined) return onDemand
  const { terms, ...there } = onSpot
  const { memory: _, ...rest } = onDemand
  return { ...rest, ...there, spot: terms }
}

/** What is live, or leads back to an older version, is on slots of its own. */
function mayLease({ release }: Service, id: string): boolean {
  return release?.id === id && release.kind !== 'rollback' && isCandidate(release.phase)
}

/** Their releases end; their replicas are stopped by their own loops. */
function callBack(
  { rows, now }: Hands,
  { release: by }: Service,
  { tenants }: Action & { do: 'call-back' },
): Promise<void> {
  for (const tenant of tenants) {
    const other = rows.find(tenant.service)
    const next = other === null ? null : calledBack(other, tenant.release, { by: by!, now: now() })
    if (next === null) continue
    const { phase, bundle } = next.release!
    const because = 'because' in phase ? phase.because : ''
    const text = `${tenant.release} (${bundle.version}) is ${phase.name}: ${because}`
    const about = { at: now().wall, service: tenant.service, release: tenant.release, text }
    const data = { phase: phase.name, because }
    rows.save({ next, events: [{ ...about, kind: 'phase', by: 'beryl', data }] })
  }
  return Promise.resolve()
}

/** Fences a controller that slept: what the gateway routes to, or has open, is not touched. */
async function notRouted(
  hands: Hands,
  service: Service,
  replica: string,
  act: () => Promise<void>,
): Promise<void> {
  const version = hands.rows.version(service.name)
  const { services, predecessor } = await hands.gateway.state()
  const state = services[service.name]
  const isRouted = Object.values(state?.table.environments ?? {}).some((environment) =>
    environment?.replicas.some(({ id }) => id === replica),
  )
  const open = state?.replicas[replica]?.inFlight ?? 0
  if (predecessor?.run === null || predecessor?.replicas.includes(replica) === true) return
  if (isRouted || open > 0 || hands.rows.version(service.name) !== version) return
  await act()
}

/** Told once: whose place it was, and what that costs. */
function pushOut(
  hands: Hands,
  service: Service,
  { replica, pool }: Action & { do: 'push-out' },
): Promise<void> {
  return notRouted(hands, service, replica, async () => {
    await hands.provider.sleep(replica)
    const { version } = service.standby!
    const text = `${version} was pushed out of ${heldText(pool)}: its way back begins with a start, or with a load once there is a place`
    const release = service.release!.id
    const data = { replica, pool: pool.name, heldBy: pool.heldBy }
    const about = { at: hands.now().wall, service: service.name, release, by: 'beryl' }
    record(hands, { ...about, kind: 'replica', text, data })
  })
}

async function startGate(
  { store, gates, provider }: Hands,
  service: Service,
  { gate, attempt }: Action & { do: 'gate' },
): Promise<void> {
  const release = service.release!
  await gates.begin(
    service,
    release,
    store.services.plan(release.id)!,
    provider.look(),
    gate,
    attempt,
  )
}

/** Journal the intent → prepare and store in the gateway → journal that it is done. */
async function route(
  hands: Hands,
  service: Service,
  { routes, back, generation }: Action & { do: 'route' },
): Promise<void> {
  const row = generation === null ? nextGeneration(service) : service
  if (generation === null) hands.rows.save({ next: row, events: [] })
  const wanted = generation ?? (row.back === null ? row.generation : row.generation - 1)
  const stored = await hands.gateway.putTable(service.name, {
    table: table(hands, service, routes, wanted),
    back: back === null || row.back === null ? null : table(hands, service, back, row.back),
    ...(generation !== null && service.release?.phase.name === 'switching'
      ? { isSwitch: true }
      : {}),
  })
  journalStored(hands, service, stored, routes.split?.share ?? 1)
}

async function storeBack(
  hands: Hands,
  service: Service,
  { generation, share }: Action & { do: 'store-back' },
): Promise<void> {
  journalStored(hands, service, await hands.gateway.back(service.name, { generation }), share)
}

function table(
  { routeOf, rulesOf, store, provider }: Hands,
  service: Service,
  routes: Routes,
  generation: number,
): ServiceTable {
  const pooled = new Map(provider.look().flatMap(({ id, pool }) => (pool ? [[id, pool]] : [])))
  const checked = (environment: Routes['environments']['blue']) => {
    const template =
      environment === null ? undefined : store.services.plan(environment.release)?.template
    if (environment === null || template === undefined) return environment
    const { alive, speaks, tls } = template
    const { path, everyS, timeoutS, failures } = alive
    const [everyMs, timeoutMs] = [everyS * 1000, timeoutS * 1000]
    return {
      ...environment,
      replicas: environment.replicas.map((one) => {
        const pool = pooled.get(one.id)
        if (pool === undefined) return one
        const { model, tls: byPool } = pool
        return { ...one, model, ...(byPool === undefined ? {} : { tls: byPool }) }
      }),
      ...(speaks === undefined ? {} : { speaks }),
      ...(tls === undefined ? {} : { tls }),
      alive: { path, everyMs, timeoutMs, failures },
    }
  }
  const { blue, green } = routes.environments
  const environments = { blue: checked(blue), green: checked(green) }
  const { name } = service
  const [route, rules] = [routeOf(name), rulesOf(name)]
  return { service: name, route, rules, generation, ...routes, environments }
}

/** Only what moved live traffic stands in the record; a replica that joined does not. */
function journalStored(
  { store, now }: Hands,
  service: Service,
  stored: Stored,
  share: number,
): void {
  const { release } = service
  const phase = release?.phase
  if (release === null || (phase?.name !== 'switching' && phase?.name !== 'rolling-back')) return
  // On the way back from a lower rung each further part is a move, too.
  if (stored.generation !== phase.generation && phase.name === 'switching') return
  const whole = phase.name === 'switching' ? 'switch' : 'rollback'
  const change = share === 1 ? whole : 'step'
  const tookMs = Math.max(
    stored.at - phase.since.wall,
    stored.prepareMs + stored.syncMs + stored.storeMs,
  )
  const to = service.live?.version
  const data = { change, share, ...stored, tookMs }
  const said = {
    switch: `switched to ${to} (${service.colour}) in one step`,
    step: `${percent(share)} of the traffic to ${to} (${service.colour})`,
    rollback: `rolled back to ${to} (${service.colour}) in ${stored.inBoth === true ? 'two steps, for two gateways answered' : 'one step'}`,
  }
  const text = `${said[change]}, generation ${stored.generation}, ${tookMs.toFixed(1)} ms`
  record(
    { store },
    {
      at: now().wall,
      service: service.name,
      release: release.id,
      kind: 'routing',
      by: 'beryl',
      text,
      data,
    },
  )
}

/** The record must never hold up a way back: a full disk is said in the log. */
function record(
  { store }: Pick<Hands, 'store'>,
  event: Parameters<ControllerStore['events']['add']>[0],
): void {
  try {
    store.events.add(event)
  } catch (error) {
    log.error(
      { event: event.text, error: (error as Error).message },
      'could not be written to the record',
    )
  }
}

async function cut(
  { gateway, store, now }: Hands,
  service: Service,
  { environment, because }: Action & { do: 'cut' },
): Promise<void> {
  const { cut: requests } = await gateway.cut(service.name, { environment, because })
  if (requests.length === 0) return
  const text = `cut ${requests.length} requests that were still open on ${environment}: ${because}`
  const release: Release | null = service.release
  record(
    { store },
    {
      at: now().wall,
      service: service.name,
      release: release?.id ?? null,
      kind: 'routing',
      by: 'beryl',
      text,
      data: { requests },
    },
  )
}
