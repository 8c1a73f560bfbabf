/** Which command is allowed in which phase: one table for the CLI's refusals, the API's 409s and the dashboard's buttons. */
import type { PhaseName, Release, Service } from './release.ts'

export const commands = [
  'approve',
  'promote',
  'pause',
  'resume',
  'abort',
  'rollback',
  'retry',
] as const
export type Command = (typeof commands)[number]

export type Refusal = { code: string; reason: string; hint: string }

const before: readonly PhaseName[] = [
  'queued',
  'provisioning',
  'warming',
  'verifying',
  'awaiting-approval',
]
const after: readonly PhaseName[] = ['switching', 'watching', 'stabilizing']

const allowed: Record<Command, readonly PhaseName[]> = {
  approve: before,
  promote: ['switching', 'watching'],
  pause: [...before, ...after, 'clearing'],
  resume: [...before, ...after, 'clearing'],
  abort: before,
  rollback: after,
  retry: ['rejected', 'aborted', 'rolled-back'],
}

/** Null when the command may be given now; else why not, and what to do instead. */
export function releaseCan(command: Command, release: Release, service: Service): Refusal | null {
  const phase = release.phase.name
  if (!allowed[command].includes(phase)) return wrongPhase(command, release, service)
  if (command === 'rollback' && (service.standby === null || service.release?.id !== release.id))
    return noStandby(service)
  if (command === 'pause' && release.paused !== null) {
    return {
      code: 'already-paused',
      reason: `${release.id} was paused by ${release.paused.by}`,
      hint: `beryl resume ${release.id}`,
    }
  }
  if (command === 'resume' && release.paused === null) {
    return {
      code: 'not-paused',
      reason: `${release.id} is not paused`,
      hint: `beryl status ${release.service}`,
    }
  }
  return null
}

/** The same for a service: most commands need an active release. */
export function serviceCan(command: Command, service: Service): Refusal | null {
  if (service.release !== null) return releaseCan(command, service.release, service)
  if (command === 'rollback') return noStandby(service)
  return {
    code: 'no-release',
    reason: `no release of ${service.name} is running`,
    hint: `beryl deploy ${service.name} VERSION`,
  }
}

function wrongPhase(command: Command, release: Release, service: Service): Refusal {
  const phase = release.phase.name
  const hint =
    command === 'abort' && after.includes(phase)
      ? `beryl rollback ${release.service}`
      : command === 'rollback' && before.includes(phase)
        ? `beryl abort ${release.service}`
        : command === 'retry'
          ? `beryl status ${release.service}`
          : `beryl history ${release.service}`
  if (command === 'rollback' && !before.includes(phase) && phase !== 'rolling-back')
    return noStandby(service)
  return {
    code: 'wrong-phase',
    reason: `${command} is not possible: ${release.id} is ${phase}`,
    hint,
  }
}

function noStandby(service: Service): Refusal {
  const hint =
    service.live === null
      ? `beryl deploy ${service.name} VERSION`
      : `beryl rollback ${service.name} --to VERSION`
  return { code: 'no-standby', reason: `${service.name} has no standby to go back to`, hint }
}
