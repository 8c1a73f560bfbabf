/**
 * What controller and gateway say to each other: HTTP + JSON over a Unix socket in the data directory.
 * The gateway knows environments and shares; it knows nothing of releases (the release id is only
 * a label that it hands back with observations).
 */
import type { Peer } from '../tls/peer.ts'
import type { Identity } from '../ipc/identity.ts'
import type { Counts } from './counts.ts'
import type { SavedRoutes } from './routes-file.ts'
import type { Kept } from './wire/wire.ts'

export type Environment = 'blue' | 'green'

/** Everything a worker needs to route one service. Immutable; replaced whole, by generation. */
export type ServiceTable = {
  service: string
  /** Null: no client reaches it; it is being taken away. */
  route: { host: string | null; path: string } | null
  /** Rises with every table of this service; never restarts. */
  generation: number
  live: Environment | null
  /** The environment that the preview listener reaches; null answers 503 `no-candidate`. */
  preview: Environment | null
  environments: Record<Environment, EnvironmentTable | null>
  /** While traffic moves in steps: this part of it is answered by another environment. */
  split?: Split | null
  /** Requests that are sent to another environment too, off the live path. */
  copies?: Copies | null
  /** How its requests are treated; what is left out is as `rules.ts` says. */
  rules?: Partial<TrafficRules>
}

export type Split = {
  to: Environment
  /** Of the requests, or of the clients; between 0 and 1, neither included. */
  share: number
  /** What a client is known by. Null: a coin is thrown for each request. */
  sticky: Sticky | null
}

export type Sticky = { by: 'header' | 'cookie'; name: string } | { by: 'address' }

/** A copy may have effects: only what the service allows is copied (rulings §15). */
export type Copies = {
  to: Environment
  /** Of the requests that may be copied, between 0 and 1. */
  share: number
  methods: readonly string[]
  /** Paths, with all that lies under them. */
  exclude: readonly string[]
}

/**
 * `PUT /services/{s}/tap`: which live exchanges the examiner gets to see, whole; null: none. No part of the routes: it applies
 * at once, in every worker, and is forgotten when the gateway starts anew.
 */
export type Tap = Omit<Copies, 'to'> & {
  /** Besides `share`, each so-manyth request (a power of two) for the guard: both versions' answers, and those of copies. */
  every?: number
}

/** How one request is treated; paths may have their own. */
export type RequestRules = {
  /** A larger request is refused (413). Null: no limit. */
  bodyMaxBytes: number | null
  /** Between two pieces of a request's body, while its model server would take more (408). */
  bodySilenceMs: number
  /** From the last piece of the request to the first byte of the answer. */
  firstByteMs: number
  /** Between two pieces of an answer. */
  idleMs: number
  /** For everything, from the claim on; streams are exempt. Null: no limit. */
  totalMs: number | null
  /** Methods whose requests may be sent to a second replica though the first may have seen them. */
  retryMethods: readonly string[]
}

/** For requests under this path, by whole segments; the longest one counts. What is left out is as for the service. */
export type PathRules = { path: string } & Partial<RequestRules>

export type TrafficRules = RequestRules & {
  paths: readonly PathRules[]
  /** Requests at one replica at a time, over all workers; more wait. Null: no limit. */
  concurrentMax: number | null
  /** Requests that may wait for a replica, per environment and over all workers; more are refused (503). */
  queueMax: number
  queueMs: number
  /** Requests with the same value go to the same replica while it may be chosen; never says which version. */
  affinity: { by: 'header' | 'cookie'; name: string } | null
  /** Second tries, as a share of the requests. */
  retryShare: number
  /** Connections to replicas. */
  kept: Kept
  /** Paths that clients do not reach, with all that lies under them: a server's own controls. */
  hidden: readonly string[]
}

export type EnvironmentTable = {
  version: string
  release: string
  /** How its replicas are checked; without it a replica that was left out need only accept connections. */
  alive?: Alive
  /** Its replicas speak HTTP/2, `grpc` above it; where it stands not, HTTP/1.1. A release never changes it. */
  speaks?: 'http2' | 'grpc'
  /** They are spoken to over TLS. */
  tls?: Peer
  replicas: readonly {
    id: string
    host: string
    port: number
    /** In a pool of servers, over HTTP/1.1: what its model is called there (KServe V2), and how the pool proves who it is. */
    model?: string
    tls?: Peer
  }[]
}

/** `GET path` must answer 2xx in time; after so many failures in a row a replica is left out. */
export type Alive = { path: string; everyMs: number; timeoutMs: number; failures: number }

/** `PUT /services/{s}/table`: prepare in every worker → fsync the routes file → one atomic store. Idempotent. */
export type PutTable = {
  table: ServiceTable
  /** The way back, prepared with it: same environments, roles exchanged, its own (higher) generation. */
  back: ServiceTable | null
  /** Traffic moves forward: refused (409 `handing-over`) while another gateway still answers some of it. */
  isSwitch?: true
}

/** Answer to `PUT table` and `POST back`. Times in ms. */
export type Stored = {
  generation: number
  /** Wall time, ms. */
  at: number
  prepareMs: number
  syncMs: number
  storeMs: number
  /** False where the routes file could not be written (a rollback goes on without it). */
  durable: boolean
  /** Two gateways live, one after the other: it was stored in both. */
  inBoth?: true
}

/** `POST /services/{s}/back`: store the prepared way back now; waits for no acknowledgement. */
export type StoreBack = { generation: number }

/**
 * `POST /services/{s}/forget`: refused (409 `live`, `in-flight`, `stale-generation`) while the environment is live or has
 * requests in flight; once acknowledged by each worker it is unroutable until it stands in a later table.
 */
export type Forget = { environment: Environment; generation: number }

/** `POST /services/{s}/drain`: cut what is still open in an environment that is not live. Answers what was cut. */
export type Cut = { environment: Environment; because: string }
export type CutResult = { cut: readonly OpenRequest[] }
export type OpenRequest = {
  requestId: string
  environment: Environment
  generation: number
  ageMs: number
  /** Of its body and of the answer's, so far. */
  bytesIn: number
  bytesOut: number
  kind: 'request' | 'upgrade'
}

/** `GET /services/{s}/open`: what is in flight, oldest first; `more` were left out. */
export type OpenRequests = { open: readonly OpenRequest[]; more: number }

/**
 * Of a gateway that leaves to another (rulings §7). `POST /leave`: the successor asks, before it listens, and is answered with all
 * routes; from then on this one answers at the socket `leaving`. `POST /close`: the successor listens, and this one ends what it has
 * begun. `POST /stay`: there is no successor after all. `POST /hold`: no request is begun until the next way back is stored here.
 */
export type Leaving = {
  /** Wall times, ms: when it was asked, and by when it has ended at the latest. */
  since: number
  until: number
  /** It takes no new connections any more. */
  isClosed: boolean
  /** All that it had begun has ended, and it waits for its observations to be taken. */
  isOver: boolean
  /** What was still open at the deadline, by service, until `POST /told`. */
  cut: Record<string, readonly OpenRequest[]>
}

export type Left = { identity: Identity; services: SavedRoutes['services'] }

/** Of two gateways that live, the one that leaves: its requests in flight are in the counts of the other's state. */
export type Predecessor = {
  /** Null: it does not answer. */
  run: string | null
  /** Requests in flight over all services; null: it does not say. */
  open: number | null
  /** It routes as the other one does. */
  isLevel: boolean
  isOver: boolean
  /** Also those that it alone still leads to. */
  replicas: readonly string[]
}

/** `GET /state` */
export type GatewayState = {
  /** Random, new at each start of the gateway: the first part of an observation's key. */
  run: string
  pid: number
  /** Of Beryl. */
  version: string
  /** What it was started with, as one word: another one means other settings. */
  settings: string
  /** It takes new connections. */
  isListening: boolean
  /** Null: it does not leave. */
  leaving: Leaving | null
  /** Set where both are asked (gateways.ts). */
  predecessor?: Predecessor
  startedAt: number
  listen: { host: string; port: number }
  preview: { host: string; port: number } | null
  /** Clients come by TLS. */
  secure: boolean
  workers: number
  services: Record<string, ServiceState>
}

/**
 * Live requests that came by while a service had a tap: all, those of them that may be copied, and of what was to be taken what the
 * examiner was sent, and what it was not. Lately, in this gateway, by the tap's present rule.
 */
export type Tapped = { asked: number; allowed: number; sent: number; missed: number }

export type ServiceState = {
  generation: number
  live: Environment | null
  /** Generation of the prepared way back, or null. */
  back: number | null
  /** The part of the traffic that it moves; null: all of it. */
  backSplit: Split | null
  table: ServiceTable
  inFlight: Record<Environment, number>
  replicas: Record<string, { healthy: boolean; inFlight: number }>
  /** Absent: none. */
  tap?: Tap | null
  tapped: Tapped
  /** Of `inFlight`: how many wait for a replica. */
  waiting: Record<Environment, number>
  /** Requests assigned since this gateway started; void ones died with a worker. */
  assigned: number
  void: number
}

/** `GET /metrics`: sums since this gateway started, and what those that left to it had counted (`POST /inherit`). */
export type GatewayMetrics = Counts & {
  run: string
  /** Runs of those that left to it. */
  inherited: readonly string[]
  workers: number
  services: Record<
    string,
    Pick<ServiceState, 'generation' | 'inFlight' | 'waiting' | 'assigned' | 'void'>
  >
  /** Replicas that were left out, by `service environment`. */
  ejections: Record<string, number>
  /** Exchanges that the tap was to take, by `service result`: sent to the examiner, or why not. */
  taps: Record<string, number>
  /** Lines of the access log that the disk did not take in time. */
  accessDropped: number
  /** Null: nothing is traced. */
  spans: { sent: number; dropped: number } | null
}

/**
 * `GET /observations?run=R&after=N`: what was seen since, at most 2,000, oldest first. `next` is handed back as
 * `after` and acknowledges everything up to it. A range that had to be dropped is reported as a gap.
 */
export type Observations = {
  run: string
  next: number
  items: readonly Observation[]
  gaps: readonly Gap[]
}

/**
 * Numbers in [from, to), modulo 2³², that were not noted: chosen before their outcomes were known. Those that had been claimed
 * already when the range was chosen may still come. Both null where the oldest had to go because nobody took them.
 */
export type Gap = { service: string; count: number; from: number | null; to: number | null }

export type Observation = {
  service: string
  environment: Environment
  version: string
  release: string
  replica: string
  generation: number
  /** Of a copy: what the other environment answered to the request with the same generation and seq. It is no live traffic. */
  isCopy?: true
  /** A copy was made of it: what becomes of that is said too, with the same seq, as `void` where it was not sent after all. */
  copied?: true
  /** Its answer was handed on to be judged (`Tap.every`); false: it was to be, and there was no room. Absent: neither. */
  heard?: boolean
  /** It was assigned by a coin: of so many requests, or clients, this part goes to the new version. */
  share?: number
  /** What the coin was thrown for, where clients stick to a version: a hash. 0: the request, or nobody. */
  client: number
  /** Assignment order over all workers of one gateway run, per service (modulo 2³²). */
  seq: number
  /** Wall time of the assignment, ms. */
  at: number
  /** `client-gone` and `refused` (by the gateway itself: no replica free in time, body too large) are neither good nor bad. */
  outcome:
    | 'ok'
    | 'error-status'
    | 'connect-failed'
    | 'cut'
    | 'deadline'
    | 'client-gone'
    | 'refused'
    | 'void'
  status: number
  firstByteMs: number
  totalMs: number
}
