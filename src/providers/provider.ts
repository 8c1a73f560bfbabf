/**
 * A provider brings the replicas of an environment up, looks at them, and takes them down.
 * Every call may be repeated safely. A provider never decides; the controller tells it what to do.
 */
import type { Peer } from '../tls/peer.ts'
import type { Spell } from './spells.ts'

export type ReplicaSpec = ProcessSpec | ExternalSpec | PoolSpec
/**
 * `leases`: it may be started on GPU slots whose owner sleeps, and gives them back when they are called for. `waits`: for slots that
 * others hold, who will leave. `spot`: on capacity that may be taken away; its program is that of `Program.onSpot`.
 */
export type ProcessSpec = Labels &
  Looks &
  Omit<Program, 'onSpot'> & { leases?: boolean; waits?: boolean; spot?: SpotTerms }
export type ExternalSpec = Labels & Looks & Places
export type PoolSpec = Labels & Omit<Looks, 'sleep'> & Pooled & { sleep: Sleep }
/** All but what differs from replica to replica. */
export type Template = Looks & (Program | Places)

/** Who a replica is, in journal, views and logs. */
export type Labels = {
  /** Unique for ever, e.g. `langid-green-r7-0-k3f9`. Journalled before anything is started. */
  id: string
  service: string
  environment: 'blue' | 'green'
  release: string
  version: string
  digest: string
}

/** How it is looked at, whoever started it. */
export type Looks = {
  /** What it is asked in; where it stands not, HTTP/1.1. */
  speaks?: 'http2' | 'grpc' | undefined
  /** How it proves who it is; without it nothing is encrypted. */
  tls?: Peer | undefined
  ready: Ready
  sleep?: Sleep | undefined
  /** Liveness after ready: consecutive failed probes until the replica is restarted, where it can be. */
  alive: { path: string; everyS: number; timeoutS: number; failures: number }
}

/**
 * How it is asked to leave its accelerator, and to come back, in order: a call must answer 2xx, a program end with exit code 0. All
 * together within the time, s.
 */
export type Sleep = { down: readonly Step[]; up: readonly Step[]; withinS: number }
export type Step = Call | Run
/** `{pid}`, `{host}` and `{port}` are the replica's. */
export type Run = {
  run: readonly string[]
  directory: string
  env: Readonly<Record<string, string>>
}
/** `until`: asked again and again until it is refused with a status of 4xx; what went has gone then. Before, any other answer will do. */
export type Call = { method: 'GET' | 'POST'; path: string; body?: string; until?: 'refused' }

/** `model`, `version`: what it must then say it is, asked whenever it has become ready. */
export type Ready = {
  path: string
  withinS: number
  /** What `/v1/models` of an OpenAI-style server must list. */
  model?: string
  /** What the answer to `GET path` must be; `answer`: where in it, a JSON path. */
  version?: { path: string; answer?: string; is: string }
}

/** What is started as a process of this machine. */
export type Program = {
  provider: 'process'
  /** Argument vector with placeholders already filled in, but for `{port}`. */
  command: readonly string[]
  /** Added to Beryl's own environment; values may contain `{port}`. */
  env: Readonly<Record<string, string>>
  directory: string
  /** Always this one; absent: one that is free. */
  port?: number
  /** GPU slots this replica needs; the provider chooses which (`CUDA_VISIBLE_DEVICES`). */
  gpus: number
  /** Bytes of the machine's, for each replica; absent: not said. */
  memory?: number
  stopGraceS: number
  /** How it is started on spot capacity instead; absent: it is not. */
  onSpot?: OnSpot
}

/** What differs on spot capacity, with how it is known there that it is taken away. */
export type OnSpot = Pick<Program, 'command' | 'env' | 'gpus' | 'memory'> & { terms: SpotTerms }

export type SpotTerms = {
  /** Of its program: it ended because its capacity was taken away. Ends by SIGTERM, SIGINT, SIGHUP or SIGKILL, and with 0, are that in any case. */
  exitCodes: readonly number[]
  /** After so many losses in a row it is asked for every `retryS` only. */
  tries: number
  retryS: number
  /** Run beside it: exit code 0 says that it is going to be taken away. */
  notice?: Run & { everyS: number; withinS: number }
}

/** A model in a pool of servers that load and unload: others are in it, too. */
export type Pooled = {
  provider: 'pool'
  pool: string
  servers: readonly Address[]
  /** So many may be loaded at once in each of them. */
  models: number
  /** What it is called there. */
  model: string
  /** Of one place: its part of a server's price. */
  price?: { placeHour: number; currency: string }
}

export type Address = { host: string; port: number }

/** What runs already, and is somebody else's: a replica is one of its place's addresses. */
export type Places = {
  provider: 'external'
  places: Readonly<Record<'blue' | 'green', readonly Address[]>>
  /** Those of them that are on spot capacity; absent: none. */
  spot?: readonly Address[]
}

export type ReplicaSeen = {
  provider: ReplicaSpec['provider']
  id: string
  service: string
  environment: 'blue' | 'green'
  release: string
  version: string
  digest: string
  /** Where it answers; port 0 until it has one. */
  host: string
  port: number
  pid: number | null
  gpus: readonly number[]
  /** Bytes of the machine's; absent: not said. */
  memory?: number
  /** It is on spot capacity; absent: on demand. */
  spot?: SpotSeen
  /** Of one that sleeps: replicas that hold its slots meanwhile. */
  lentTo?: readonly string[]
  /** Sleeping ones whose slots it holds. */
  leasedFrom?: readonly string[]
  /** `models`: places that its pool has now. */
  pool?: { name: string; models: number; model: string; tls?: Peer | undefined }
  /** Wall time, ms. */
  startedAt: number
  endedAt: number | null
  /**
   * Starts after the first one, since it was ready: starts that never got so far are not counted. Of what Beryl does not
   * start: how often it fell silent.
   */
  restarts: number
  state:
    | { name: 'starting' }
    /** Waits for its next start (back-off, slots), and was never ready: nothing may be routed to it yet. */
    | { name: 'starting'; because: string }
    | { name: 'ready' }
    /** It answers, and did not fall asleep when it was asked to. */
    | { name: 'ready'; because: string }
    /** Its process stays, its accelerator is free; `because`: why it did not wake up. */
    | { name: 'asleep' }
    | { name: 'asleep'; because: string }
    /** Was ready once; does not answer now, or waits for its next start (back-off). */
    | { name: 'unready'; because: string }
    /** Will not be tried again: never got ready in time, or died too often before it was ready. */
    | { name: 'failed'; because: string; lastLines: readonly string[] }
    | { name: 'stopping' }
    | { name: 'gone' }
}

export type SpotSeen = {
  /** How often it was taken away, or could not be had. */
  lost: number
  /** So often in a row that it is asked for now and then only. */
  short: boolean
  /** It is said to be taken away soon, or was said to be and is gone. */
  noticed: boolean
}

export type Provider<Spec = ReplicaSpec> = {
  /**
   * Adopts what an earlier controller left running (by identity, never by name), then starts probing. Those that were
   * ready are looked at before it returns: a controller that was away for a moment must not take them for dead.
   */
  open(): Promise<void>
  /** All replicas that are not gone. Never blocks on a replica: it reports what probes last found. */
  look(): readonly ReplicaSeen[]
  /** Idempotent by `spec.id`. Returns when the start is journalled; readiness is seen by `look`. */
  start(spec: Spec): Promise<void>
  /**
   * SIGTERM → grace → SIGKILL, in the background; `look` says `stopping`, then it is gone. What Beryl did not start is let go
   * of, and goes on. Idempotent.
   */
  stop(id: string): Promise<void>
  /**
   * Asks one that is ready to leave its accelerator, or one that sleeps to come back; `look` says what became of it. What knows no
   * sleep stays as it is, and says so. Idempotent.
   */
  sleep(id: string): Promise<void>
  wake(id: string): Promise<void>
  /** The last lines of a replica's log, oldest first. */
  lastLines(id: string, count: number): Promise<readonly string[]>
  /** GPU slots that it may hand out, held or not. */
  slots(): readonly number[]
  /** Called when a replica's state or address has changed. Answers how to stop being called. */
  changed(listener: () => void): () => void
  /** Stops probing; leaves replicas running. */
  close(): Promise<void>
}

/** What a provider writes down; storage implements it. Durable when the call returns. */
export type ReplicaJournal<Spec = ReplicaSpec> = {
  all(): readonly ReplicaRecord<Spec>[]
  put(record: ReplicaRecord<Spec>): void
}

export type ReplicaRecord<Spec = ReplicaSpec> = {
  spec: Spec
  host: string
  port: number
  gpus: readonly number[]
  /** Identity of the process: boot id + pid + start time; null between the journal entry and the spawn, and where Beryl started none. */
  process: { bootId: string; pid: number; startTime: string } | null
  /** That process: when it was started (seconds since boot), and whether it has answered since. */
  present?: { up: number; ready: boolean }
  restarts: number
  readyOnce: boolean
  /** Wall times, ms. */
  startedAt: number
  endedAt: number | null
  failed: { because: string; lastLines: readonly string[] } | null
  stopping: boolean
  /** Written before it is asked to sleep, and once it is awake again. */
  asleep?: boolean
  spells?: readonly Spell[]
  /** In a pool: the server that it is in, or is being loaded by; and those that did not answer when it left them. */
  place?: Address
  left?: readonly Address[]
  /** Of spot capacity: all losses, and those in a row. */
  losses?: { all: number; inARow: number }
}

/** Where a provider says what it did. */
export type Log = {
  info(about: object, text: string): void
  warn(about: object, text: string): void
  error(about: object, text: string): void
}
