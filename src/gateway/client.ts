/** The typed way to the gateway's control socket. */
import { call } from '../ipc/call.ts'
import type {
  Cut,
  CutResult,
  Forget,
  GatewayMetrics,
  GatewayState,
  Left,
  Observations,
  OpenRequests,
  PutTable,
  StoreBack,
  Stored,
  Tap,
} from './control.ts'

export type OneGateway = ReturnType<typeof gatewayClient>
/** What a controller asks of the gateway, be it one process or two (gateways.ts). */
export type GatewayClient = Omit<
  OneGateway,
  'leave' | 'close' | 'stay' | 'hold' | 'told' | 'inherit'
>

const lookMs = 2000
/** A way back does not wait longer for a gateway that leaves. */
const holdMs = 250
/** Long enough for a worker that must be replaced while the change waits. */
const changeMs = 10_000

/** @throws ProblemError */
export function gatewayClient(socketPath: string) {
  const at = (service: string, what: string) => `/services/${encodeURIComponent(service)}/${what}`
  const say = <Answer = null>(what: string, timeoutMs: number, body?: unknown) =>
    call<Answer>(socketPath, { method: 'POST', path: `/${what}`, timeoutMs, body })
  return {
    leave: () => say<Left>('leave', changeMs),
    close: () => say('close', lookMs),
    stay: () => say('stay', changeMs),
    hold: () => say('hold', holdMs),
    told: () => say('told', lookMs),
    inherit: (metrics: GatewayMetrics) => say('inherit', lookMs, metrics),
    state: () =>
      call<GatewayState>(socketPath, { method: 'GET', path: '/state', timeoutMs: lookMs }),
    putTable: (service: string, body: PutTable) =>
      call<Stored>(socketPath, {
        method: 'PUT',
        path: at(service, 'table'),
        body,
        timeoutMs: changeMs,
      }),
    back: (service: string, body: StoreBack) =>
      call<Stored>(socketPath, {
        method: 'POST',
        path: at(service, 'back'),
        body,
        timeoutMs: changeMs,
      }),
    forget: (service: string, body: Forget) =>
      call<null>(socketPath, {
        method: 'POST',
        path: at(service, 'forget'),
        body,
        timeoutMs: changeMs,
      }),
    cut: (service: string, body: Cut) =>
      call<CutResult>(socketPath, {
        method: 'POST',
        path: at(service, 'cut'),
        body,
        timeoutMs: changeMs,
      }),
    /** Null: nothing is tapped. */
    tap: (service: string, tap: Tap | null) =>
      call<null>(socketPath, {
        method: 'PUT',
        path: at(service, 'tap'),
        body: { tap },
        timeoutMs: lookMs,
      }),
    metrics: () =>
      call<GatewayMetrics>(socketPath, { method: 'GET', path: '/metrics', timeoutMs: lookMs }),
    open: (service: string) =>
      call<OpenRequests>(socketPath, {
        method: 'GET',
        path: at(service, 'open'),
        timeoutMs: lookMs,
      }),
    observations: (run: string, after: number) =>
      call<Observations>(socketPath, {
        method: 'GET',
        path: `/observations?run=${encodeURIComponent(run)}&after=${after}`,
        timeoutMs: lookMs,
      }),
  }
}
