/** What the gateway's main thread and its workers say to each other. */
import type { Environment, OpenRequest, Tap } from './control.ts'
import type { Counts } from './counts.ts'
import type { Batch } from './notebook.ts'
import type { SharedBuffers } from './shared.ts'
import type { Pair } from '../tls/pair.ts'
import type { SlottedTable } from './slotted.ts'
import type { TapBatch } from './tap.ts'
import type { SpanBatch } from './tracing.ts'
import type { ListenOn } from './wire/accept.ts'
import type { Tls } from './wire/certificates.ts'

export type WorkerData = {
  index: number
  run: string
  shared: SharedBuffers
  requestKey: Uint8Array
  headers: 'full' | 'id'
  /** Of the requests, into the access log. */
  accessShare: number
  /** Of the requests that nobody traces yet, recorded as spans; null: nothing is traced. */
  traceShare: number | null
  listen: Listen
  preview: Listen | null
  /** It listens only once it is told to: another gateway has to leave first. */
  waits: boolean
  /** What clients are shown; null: without TLS. */
  tls: Tls | null
  /** Everything that is routed now, ways back included. */
  tables: readonly SlottedTable[]
}

export type Listen = ListenOn

export type ToWorker =
  | { kind: 'prepare'; id: number; tables: readonly SlottedTable[] }
  | { kind: 'forget'; id: number; service: string; environment: Environment }
  | { kind: 'cut'; id: number; service: string; environment: Environment }
  | { kind: 'open'; id: number; service: string }
  /** So many observations were taken. */
  | { kind: 'taken'; count: number }
  | { kind: 'tap'; service: string; tap: Tap | null }
  /** Main has let go of so many bytes. */
  | { kind: 'tap-taken'; bytes: number }
  | { kind: 'pairs'; pairs: readonly Pair[] }
  | { kind: 'listen'; id: number }
  /** Tells main all that it has not told yet. */
  | { kind: 'flush'; id: number }
  /** Another gateway listens: no new connections, and idle once the last one is gone. */
  | { kind: 'leave' }
  | { kind: 'stop' }

export type FromWorker =
  | { kind: 'ready'; port: number; previewPort: number | null }
  | { kind: 'done'; id: number; open?: readonly OpenRequest[] }
  | { kind: 'seen'; batch: Batch }
  | { kind: 'counts'; counts: Counts }
  | { kind: 'access'; lines: string }
  | { kind: 'spans'; batch: SpanBatch }
  | { kind: 'tapped'; batch: TapBatch }
  | { kind: 'failing'; slot: number }
  | { kind: 'idle' }
