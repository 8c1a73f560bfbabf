/** The typed way to the examiner's control socket. */
import { call } from '../ipc/call.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { GateAnswer, GateRun } from './gate.ts'

export type ExaminerClient = ReturnType<typeof examinerClient>

const limitMs = 3000

/** @throws ProblemError */
export function examinerClient(socketPath: string) {
  const at = (release: string, gate: string, attempt: number) =>
    `/gates/${encodeURIComponent(release)}/${encodeURIComponent(gate)}/${attempt}`
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
  }
}
