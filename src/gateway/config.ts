/** What the supervisor tells the gateway at its start, as JSON in BERYL_GATEWAY. */
import { createHash } from 'node:crypto'
import type { Telemetry } from '../telemetry/exporter.ts'
import type { AccessLogConfig } from './access-log.ts'

export type GatewayConfig = {
  dataDirectory: string
  listen: { host: string; port: number }
  preview: { host: string; port: number } | null
  workers: number
  /** Files of each certificate and its key, absolute; null: without TLS. */
  tls: readonly { cert: string; key: string }[] | null
  /** `full` tells clients version and environment; `id` only the opaque request id. */
  headers: 'full' | 'id'
  /** A sample of the requests, as JSON lines; without it none. */
  accessLog?: AccessLogConfig | null
  /** Whom spans are sent to; without it nothing is traced. `share`: of the requests that nobody traces yet. */
  telemetry?: (Telemetry & { share: number }) | null
  /** Inherited descriptors, one per worker or more, bound; null: the gateway listens by itself. */
  sockets: { traffic: readonly number[]; preview: readonly number[] } | null
  /** Another gateway runs on the same sockets: it is asked to leave before this one listens. */
  takesOver?: true
}

/** All that a person or a version decides, as one word: what differs here is worth a hand-over. */
export function settingsOf(config: GatewayConfig): string {
  const text = JSON.stringify({ ...config, sockets: null, takesOver: undefined })
  return createHash('sha256').update(text).digest('base64url').slice(0, 16)
}
