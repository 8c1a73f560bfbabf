/**
 * What controller and gateway say to each other: HTTP + JSON over a Unix socket in the data directory.
 * The gateway knows environments and shares; it knows nothing of releases (the release id is only
 * a label that it hands back with observations).
 */
export type Environment = 'blue' | 'green'

/** Everything a worker needs to route one service. Immutable; replaced whole, by generation. */
export type ServiceTable = {
  service: string
  route: { host: string | null; path: string }
  /** Rises with every table of this service; never restarts. */
  generation: number
  live: Environment | null
  /** The environment that the preview listener reaches; null answers 503 `no-candidate`. */
  preview: Environment | null
  environments: Record<Environment, EnvironmentTable | null>
}

export type EnvironmentTable = {
  version: string
  release: string
  /** How its replicas are checked; without it a replica that was left out need only accept connections. */
  alive?: Alive
  /** Its replicas speak HTTP/2 without TLS, `grpc` above it; where it stands not, HTTP/1.1. A release never changes it. */
  speaks?: 'http2' | 'grpc'
  replicas: readonly { id: string; host: string; port: number }[]
}

/** `GET path` must answer 2xx in time; after so many failures in a row a replica is left out. */
export type Alive = { path: string; everyMs: number; timeoutMs: number; failures: number }

/** `PUT /services/{s}/table`: prepare in every worker → fsync the routes file → one atomic store. Idempotent. */
export type PutTable = {
  table: ServiceTable
  /** The way back, prepared with it: same environments, roles exchanged, its own (higher) generation. */
  back: ServiceTable | null
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
  kind: 'request' | 'upgrade'
}

/** `GET /state` */
export type GatewayState = {
  /** Random, new at each start of the gateway: the first part of an observation's key. */
  run: string
  startedAt: number
  listen: { host: string; port: number }
  preview: { host: string; port: number } | null
  /** Clients come by TLS. */
  secure: boolean
  workers: number
  services: Record<string, ServiceState>
}

export type ServiceState = {
  generation: number
  live: Environment | null
  /** Generation of the prepared way back, or null. */
  back: number | null
  table: ServiceTable
  inFlight: Record<Environment, number>
  replicas: Record<string, { healthy: boolean; inFlight: number }>
  /** Requests assigned since this gateway started; void ones died with a worker. */
  assigned: number
  void: number
}

/**
 * `GET /observations?run=R&after=N`: what was seen since, at most 2,000, oldest first. `next` is handed back as
 * `after` and acknowledges everything up to it. A range that had to be dropped is reported as a gap.
 */
export type Observations = {
  run: string
  next: number
  items: readonly Observation[]
  gaps: readonly { service: string; count: number }[]
}

export type Observation = {
  service: string
  environment: Environment
  version: string
  release: string
  replica: string
  generation: number
  /** Assignment order over all workers of one gateway run, per service (modulo 2³²). */
  seq: number
  /** Wall time of the assignment, ms. */
  at: number
  /** `client-gone` is neither good nor bad. */
  outcome: 'ok' | 'error-status' | 'connect-failed' | 'cut' | 'deadline' | 'client-gone' | 'void'
  status: number
  firstByteMs: number
  totalMs: number
}
