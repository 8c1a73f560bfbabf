/** What the controller saw when it looked: facts only, no decisions. */
import type { Copied, Split } from './desired-world.ts'
import type { Environment, GateState } from './release.ts'

export type Seen = {
  /** Every replica of the service that is not gone. */
  replicas: readonly ReplicaFact[]
  /** Null while the gateway does not answer: then nothing is routed, and nothing is taken down. */
  gateway: GatewayFact | null
  /** One entry for each gate of the active release, in order. */
  gates: readonly GateState[]
  /** What the guard says of the watch; null outside of it. */
  guard: GuardFact | null
  /** What keeps traffic from moving forward now; absent: nothing. A way back is never held (rulings §2). */
  holds?: readonly Hold[]
  /** The most that the service was asked a second, over ten seconds, in the last five minutes; absent: not known. */
  peak?: number | null
  /** Its budgets, and what was spent of each; absent: none. */
  spent?: readonly Spent[]
  /** Other releases that run, or came before it and may begin, and how many may run at once; absent: no limit. */
  crowd?: Crowd
}

/** `name`: the release, or a month such as `2026-11`. */
export type Spent = {
  of: 'release' | 'month'
  name: string
  spent: number
  limit: number
  currency: string
}

export type Crowd = { atOnce: number; ahead: readonly string[] }

/** Wall times in ms; null: not in sight, or until somebody lifts it. */
export type Hold =
  | { by: 'window'; window: string; opensAt: number | null }
  | {
      by: 'freeze'
      who: string
      reason: string
      of: 'everything' | 'service'
      until: number | null
    }

export type ReplicaFact = {
  id: string
  environment: Environment
  release: string
  digest: string
  state: 'starting' | 'ready' | 'unready' | 'failed' | 'asleep' | 'stopping'
  /** Why it is unready or failed, with the last lines of its log; or why it does not fall asleep, or wake up. */
  because: string
  address: { host: string; port: number }
  /** Starts after the first one, since it was ready. */
  restarts: number
  /** On capacity that may be taken away; absent: on demand. */
  spot?: true
  /** It was taken away, or could not be had, so often that it is asked for now and then only. */
  short?: true
  /** It is said to be taken away soon. */
  noticed?: true
  /** Of one that sleeps: who is on its GPU slots meanwhile, and gives them back to a rollback; absent: nobody. */
  lentTo?: readonly Tenant[]
  /** Whose slots it is on; absent: its own. */
  leasedFrom?: readonly Tenant[]
  /** It is a model in a pool; absent: a replica of the service's own. */
  pool?: PoolFact
}

export type PoolFact = {
  name: string
  /** It may be loaded now. */
  holds: boolean
  /** Who has the places, where it has none. */
  heldBy: readonly Tenant[]
}

/** A release of another service. */
export type Tenant = { service: string; release: string }

export type GatewayFact = {
  generation: number
  live: Environment | null
  preview: Environment | null
  /** Generation of the prepared way back. */
  back: number | null
  /** The part of the traffic that it moves; null or absent: all of it. */
  backSplit?: Split | null
  /** Where or how it is reached differs from what was asked for since (a changed manifest). */
  outdated?: boolean
  environments: Record<Environment, EnvironmentFact | null>
  copies?: Copied | null
  split?: Split | null
  inFlight: Record<Environment, number>
  /** By replica, also of those that no route leads to any more; absent: none. */
  inFlightOf?: Readonly<Record<string, number>>
  /** Two gateway processes live: one hands over to the other. What is in flight is that of both. Absent: there is one. */
  handOver?: HandOver
}

/** @property open requests that the one that leaves has in flight, over all services; null: it does not say */
export type HandOver = { open: number | null }

export type EnvironmentFact = {
  release: string
  version: string
  replicas: readonly { id: string; host: string; port: number }[]
}

export type GuardFact = {
  decision: 'rollBack' | 'promote' | 'hold'
  because: string
  /** A regression as large as matters would have shown itself by now. */
  wouldShow?: boolean
  /** Replicas that are worse than their siblings: to be replaced. */
  setAside?: readonly string[]
}

/** Is it to be replaced: because the guard found it worse than its siblings, or because its capacity is about to be taken away? */
export function isToGo({ guard }: Seen, { id, noticed }: ReplicaFact): boolean {
  return noticed === true || (guard?.setAside?.includes(id) ?? false)
}

/** `r9 of rank`, each once. */
export function tenantsText(tenants: readonly Tenant[]): string {
  return [...new Set(tenants.map(({ service, release }) => `${release} of ${service}`))].join(', ')
}

/** Replicas of the service's own: what a pool does for it is counted by nobody who asks for them. */
export function ownOf(replicas: readonly ReplicaFact[]): readonly ReplicaFact[] {
  return replicas.filter(({ pool }) => pool === undefined)
}

/** The replicas of one release in one place. */
export function replicasOf(
  seen: Seen,
  environment: Environment,
  release: string,
): readonly ReplicaFact[] {
  return seen.replicas.filter(
    (replica) => replica.environment === environment && replica.release === release,
  )
}

/** ` (because)` of the first that has one, for sentences. */
export function reasonOf(replicas: readonly ReplicaFact[]): string {
  const because = replicas.find((one) => one.because !== '')?.because.split('\n')[0]
  return because === undefined ? '' : ` (${because})`
}

export function countReady(replicas: readonly ReplicaFact[]): number {
  return replicas.filter((replica) => replica.state === 'ready').length
}
