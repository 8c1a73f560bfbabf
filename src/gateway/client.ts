/** The typed way to the gateway's control socket. */
import { call } from '../ipc/call.ts'
import type {
  Cut,
  CutResult,
  Forget,
  GatewayMetrics,
  GatewayState,
  Observations,
  OpenRequests,
  PutTable,
  StoreBack,
  Stored,
  Tap,
} from './control.ts'

export type GatewayClient = ReturnType<typeof gatewayClient>

const lookMs = 2000
/** Long enough for a worker that must be replaced while the change waits. */
const changeMs = 10_000

/** @throws ProblemError */
export function gatewayClient(socketPath: string) {
  const at = (service: string, what: string) => `/services/${encodeURIComponent(service)}/${what}`
  return {
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
