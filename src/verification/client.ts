/** The typed way to the examiner's control socket. */
import { call } from '../ipc/call.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { Captured } from './capture/captured.ts'
import type { CaptureSettings, CaptureState } from './capture/captures.ts'
import type { CapturePage } from './capture/routes.ts'
import type { GateAnswer, GateRun } from './gate.ts'
import type { SignalSettings, SignalVerdicts } from './signals/signal.ts'

export type ExaminerClient = ReturnType<typeof examinerClient>

const limitMs = 3000
/** Files of a gigabyte are counted in this time, and thousands of records are read or written. */
const captureMs = 12_000

/** @throws ProblemError */
export function examinerClient(socketPath: string) {
  const at = (release: string, gate: string, attempt: number) =>
    `/gates/${encodeURIComponent(release)}/${encodeURIComponent(gate)}/${attempt}`
  const captureAt = (service: string) => `/captures/${encodeURIComponent(service)}`
  return {
    start: (release: string, gate: string, attempt: number, body: GateRun) =>
      call<GateAnswer>(socketPath, {
        method: 'PUT',
        path: at(release, gate, attempt),
        body,
        timeoutMs: limitMs,
      }),
    /** Null where the examiner does not know the run: it was restarted. */
    look: (release: string, gate: string, attempt: number) =>
      call<GateAnswer>(socketPath, {
        method: 'GET',
        path: at(release, gate, attempt),
        timeoutMs: limitMs,
      }).catch((error: unknown) => {
        if (error instanceof ProblemError && error.problem.code === 'no-such-run') return null
        throw error
      }),
    cancel: (release: string) =>
      call<null>(socketPath, {
        method: 'DELETE',
        path: `/gates/${encodeURIComponent(release)}`,
        timeoutMs: limitMs,
      }),
    /** Of all services whose answers are judged for the guard: others are not, from here on. @returns what was dropped, by `service reason` */
    configureSignals: (body: Readonly<Record<string, SignalSettings>>) =>
      call<{ dropped: Record<string, number> }>(socketPath, {
        method: 'PUT',
        path: '/signals',
        body,
        timeoutMs: limitMs,
      }),
    /** @param after as the last page said it; of another run, or of none: from the oldest on */
    verdicts: (run: string, after: number) =>
      call<SignalVerdicts>(socketPath, {
        method: 'GET',
        path: `/signals/verdicts?run=${encodeURIComponent(run)}&after=${after}`,
        timeoutMs: limitMs,
      }),
    /** Of all services that are recorded: others are not, from here on. */
    configureCaptures: (body: Readonly<Record<string, CaptureSettings>>) =>
      call<null>(socketPath, { method: 'PUT', path: '/captures', body, timeoutMs: limitMs }),
    capture: (service: string) =>
      call<CaptureState>(socketPath, {
        method: 'GET',
        path: captureAt(service),
        timeoutMs: captureMs,
      }),
    /** @param after as a page says it; null: from the oldest on */
    capturePage: (service: string, after: string | null) =>
      call<CapturePage>(socketPath, {
        method: 'GET',
        path: `${captureAt(service)}/records${after === null ? '' : `?after=${encodeURIComponent(after)}`}`,
        timeoutMs: captureMs,
      }),
    importCapture: (service: string, records: readonly Captured[]) =>
      call<{ records: number }>(socketPath, {
        method: 'POST',
        path: `${captureAt(service)}/records`,
        body: { records },
        timeoutMs: captureMs,
      }),
    purgeCapture: (service: string) =>
      call<{ records: number }>(socketPath, {
        method: 'DELETE',
        path: captureAt(service),
        timeoutMs: captureMs,
      }),
  }
}
