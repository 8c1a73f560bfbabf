/** Looks at everything a decision needs, within a time limit, and decides nothing. */
import type { GatewayState, ServiceState, ServiceTable } from '../gateway/control.ts'
import type { ReplicaSeen } from '../providers/provider.ts'
import type { GateState } from '../release/release.ts'
import type { GatewayFact, GuardFact, Hold, ReplicaFact, Seen } from '../release/seen.ts'
import type { Places } from './pools.ts'

export type Looked = {
  replicas: readonly ReplicaSeen[]
  /** Null when the gateway does not answer. */
  gateway: GatewayState | null
  gates: readonly GateState[]
  guard: GuardFact | null
  /** Host, path and rules as the manifest has them now. */
  wanted: Pick<ServiceTable, 'route' | 'rules'>
  holds: readonly Hold[]
  /** Asked a second, lately. */
  peak: number | null
  /** Who may be loaded in pools, over all services. */
  places: Places
}

export function seenOf(
  service: string,
  { replicas, gateway, gates, guard, wanted, holds, peak, places }: Looked,
): Seen {
  return {
    replicas: replicas
      .filter((replica) => replica.service === service && replica.state.name !== 'gone')
      .map((replica) => ({ ...replicaFact(replica, replicas), ...placeOf(replica, places) })),
    gateway:
      gateway === null
        ? null
        : { ...gatewayFact(gateway.services[service], wanted), ...handOverOf(gateway) },
    gates,
    guard,
    holds,
    peak,
  }
}

function replicaFact(replica: ReplicaSeen, all: readonly ReplicaSeen[]): ReplicaFact {
  const { state } = replica
  return {
    id: replica.id,
    environment: replica.environment,
    release: replica.release,
    digest: replica.digest,
    state: state.name === 'gone' ? 'stopping' : state.name,
    because:
      'because' in state
        ? [state.because, ...('lastLines' in state ? state.lastLines : [])].join('\n')
        : '',
    address: { host: replica.host, port: replica.port },
    restarts: replica.restarts,
    ...spotFact(replica),
    ...tenants('lentTo', replica, all),
    ...tenants('leasedFrom', replica, all),
  }
}

function spotFact({ spot }: ReplicaSeen): Pick<ReplicaFact, 'spot' | 'short' | 'noticed'> {
  if (spot === undefined) return {}
  return {
    spot: true,
    ...(spot.short ? { short: true } : {}),
    ...(spot.noticed ? { noticed: true } : {}),
  }
}

/** One that has failed wants no place. */
function placeOf({ id, pool }: ReplicaSeen, places: Places): Pick<ReplicaFact, 'pool'> {
  if (pool === undefined) return {}
  return { pool: places.get(id) ?? { name: pool.name, holds: true, heldBy: [] } }
}

function tenants(
  which: 'lentTo' | 'leasedFrom',
  { [which]: ids = [] }: ReplicaSeen,
  all: readonly ReplicaSeen[],
): Pick<ReplicaFact, typeof which> {
  const found = all
    .filter(({ id }) => ids.includes(id))
    .map(({ service, release }) => ({ service, release }))
  return found.length === 0 ? {} : { [which]: found }
}

function handOverOf({ predecessor }: GatewayState): Pick<GatewayFact, 'handOver'> {
  return predecessor === undefined ? {} : { handOver: { open: predecessor.open } }
}

/** A gateway that does not know the service routes nothing for it, by no generation. */
function gatewayFact(
  state: ServiceState | undefined,
  { route, rules = {} }: Looked['wanted'],
): GatewayFact {
  if (state === undefined) {
    return {
      generation: 0,
      live: null,
      preview: null,
      back: null,
      environments: { blue: null, green: null },
      inFlight: { blue: 0, green: 0 },
    }
  }
  const { table } = state
  return {
    generation: state.generation,
    live: state.live,
    preview: table.preview,
    back: state.back,
    backSplit: state.backSplit,
    outdated: JSON.stringify([table.route, table.rules ?? {}]) !== JSON.stringify([route, rules]),
    environments: table.environments,
    copies: table.copies ?? null,
    split: table.split ?? null,
    inFlight: state.inFlight,
    inFlightOf: Object.fromEntries(
      Object.entries(state.replicas).map(([id, { inFlight }]) => [id, inFlight]),
    ),
  }
}
