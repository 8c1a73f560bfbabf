/**
 * A provider brings the replicas of an environment up, looks at them, and takes them down.
 * Every call may be repeated safely. A provider never decides; the controller tells it what to do.
 */
export type ReplicaSpec = {
  /** Unique for ever, e.g. `langid-green-r7-0-k3f9`. Journalled before anything is started. */
  id: string
  service: string
  environment: 'blue' | 'green'
  release: string
  version: string
  digest: string
  /** Argument vector with placeholders already filled in, but for `{port}`. */
  command: readonly string[]
  /** Added to Beryl's own environment; values may contain `{port}`. */
  env: Readonly<Record<string, string>>
  directory: string
  /** GPU slots this replica needs; the provider chooses which (`CUDA_VISIBLE_DEVICES`). */
  gpus: number
  /** What it is asked in; where it stands not, HTTP/1.1. */
  speaks?: 'http2' | 'grpc' | undefined
  /** `model`: what `/v1/models` of an OpenAI-style server must list, whenever a process of it has become ready. */
  ready: { path: string; withinS: number; model?: string }
  /** Liveness after ready: consecutive failed probes until the replica is restarted. */
  alive: { path: string; everyS: number; timeoutS: number; failures: number }
  stopGraceS: number
}

export type ReplicaSeen = {
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
  /** Wall time, ms. */
  startedAt: number
  endedAt: number | null
  /** Starts after the first one, since it was ready: starts that never got so far are not counted. */
  restarts: number
  state:
    | { name: 'starting' }
    /** Waits for its next start (back-off, slots), and was never ready: nothing may be routed to it yet. */
    | { name: 'starting'; because: string }
    | { name: 'ready' }
    /** Was ready once; does not answer now, or waits for its next start (back-off). */
    | { name: 'unready'; because: string }
    /** Will not be tried again: never got ready in time, or died too often before it was ready. */
    | { name: 'failed'; because: string; lastLines: readonly string[] }
    | { name: 'stopping' }
    | { name: 'gone' }
}

export type Provider = {
  /**
   * Adopts what an earlier controller left running (by identity, never by name), then starts probing. Those that were
   * ready are looked at before it returns: a controller that was away for a moment must not take them for dead.
   */
  open(): Promise<void>
  /** All replicas that are not gone. Never blocks on a replica: it reports what probes last found. */
  look(): readonly ReplicaSeen[]
  /** Idempotent by `spec.id`. Returns when the start is journalled; readiness is seen by `look`. */
  start(spec: ReplicaSpec): Promise<void>
  /** SIGTERM → grace → SIGKILL, in the background; `look` says `stopping`, then it is gone. Idempotent. */
  stop(id: string): Promise<void>
  /** The last lines of a replica's log, oldest first. */
  lastLines(id: string, count: number): Promise<readonly string[]>
  /** Called when a replica's state or address has changed. Answers how to stop being called. */
  changed(listener: () => void): () => void
  /** Stops probing; leaves replicas running. */
  close(): Promise<void>
}

/** What a provider writes down; storage implements it. Durable when the call returns. */
export type ReplicaJournal = {
  all(): readonly ReplicaRecord[]
  put(record: ReplicaRecord): void
}

export type ReplicaRecord = {
  spec: ReplicaSpec
  host: string
  port: number
  gpus: readonly number[]
  /** Identity of the process: boot id + pid + start time; null between the journal entry and the spawn. */
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
}
