/** What people ask for, applied to the row: the next row, or a refusal. Nothing is half-done. */
import { elapsedS } from './clock.ts'
import { enter, putAway } from './enter.ts'
import { isEnd } from './release.ts'
import type { Actor, Gate, Now, Release, Service } from './release.ts'
import { releaseCan } from './release-can.ts'
import type { Command, Refusal } from './release-can.ts'

export type Asked = {
  command: Exclude<Command, 'retry'>
  by: Actor
  reason: string | null
  /** `approve --force`: also skips this gate; identity, readiness and capacity are never skipped. */
  skipGate: string | null
  /** `rollback --hard`: everything now, also when a rollback is on its way already. */
  hard?: boolean
}

export type Applied =
  | {
      service: Service
      /** Set when the release ended by this command alone. */ ended: Release | null
    }
  | { refused: Refusal }

/** Applies a command to the active or the queued release of a service. */
export function apply(service: Service, releaseId: string, asked: Asked, now: Now): Applied {
  const release = [service.release, service.queued].find((one) => one?.id === releaseId)
  if (!release) throw new Error(`${releaseId} is no active release of ${service.name}`)
  if (asked.command === 'rollback' && asked.hard === true && release.phase.name === 'rolling-back')
    return {
      service: { ...service, release: { ...release, phase: { ...release.phase, hard: true } } },
      ended: null,
    }
  const refusal = releaseCan(asked.command, release, service)
  if (refusal) return { refused: refusal }
  if (release.id === service.queued?.id) return applyToQueued(service, release, asked, now)
  return applyToActive(service, release, asked, now)
}

function applyToActive(service: Service, release: Release, asked: Asked, now: Now): Applied {
  const by = asked.by
  const at = now.wall
  const reason = asked.reason ?? 'no reason given'
  const changed = (change: Partial<Release>): Applied => ({
    service: { ...service, release: { ...release, ...change } },
    ended: null,
  })
  switch (asked.command) {
    case 'approve': {
      const approvals = [
        ...release.approvals,
        { by, at, digest: release.bundle.digest, ...(asked.reason === null ? {} : { reason }) },
      ]
      if (release.rules.gates.some(neverSkipped(asked.skipGate)))
        return {
          refused: {
            code: 'never-skipped',
            reason: `gate ${asked.skipGate} asks whether it is this version at all, and is never skipped`,
            hint: `beryl abort ${release.id}`,
          },
        }
      const skipped =
        asked.skipGate === null
          ? release.skipped
          : [...release.skipped, { gate: asked.skipGate, by, at, reason }]
      return changed({ approvals, skipped })
    }
    case 'promote':
      return changed(promoted(release, { by, at, reason }))
    case 'pause':
      return changed({ paused: { by, at, up: now.up } })
    case 'resume':
      return changed(resumed(release, now))
    case 'abort':
      return {
        service: enter(
          service,
          release,
          { to: 'clearing', endsAs: 'aborted', because: `${by}: ${reason}` },
          now,
        ),
        ended: null,
      }
    case 'rollback':
      return {
        service: enter(
          service,
          release,
          { to: 'rolling-back', why: reason, by, hard: asked.hard === true },
          now,
        ),
        ended: null,
      }
  }
}

/** The next step now; past the last one: accepted without more evidence. */
function promoted(
  { phase }: Release,
  accepted: { by: Actor; at: number; reason: string },
): Partial<Release> {
  return phase.name === 'switching' && phase.share !== undefined
    ? { phase: { ...phase, promoted: accepted } }
    : { accepted }
}

/** Identity is a safety promise (rulings §14). */
function neverSkipped(name: string | null): (gate: Gate) => boolean {
  return (gate) => gate.name === name && gate.kind === 'identity'
}

/** The time of a rung, and that until a candidate expires, stand still while a release is paused. */
function resumed(release: Release, now: Now): Partial<Release> {
  const { phase, paused } = release
  if (paused === null || !timed.includes(phase.name)) return { paused: null }
  const pausedS = elapsedS({ wall: paused.at, up: paused.up }, now)
  const lost = Math.min(pausedS, elapsedS(phase.since, now))
  return {
    paused: null,
    phase: { ...phase, since: { wall: phase.since.wall + lost * 1000, up: phase.since.up + lost } },
  }
}

const timed: readonly string[] = ['stabilizing', 'warming', 'verifying', 'awaiting-approval']

function applyToQueued(service: Service, release: Release, asked: Asked, now: Now): Applied {
  if (asked.command !== 'abort') {
    const applied = applyToActive({ ...service, release, queued: null }, release, asked, now)
    if ('refused' in applied) return applied
    return { service: { ...service, queued: applied.service.release }, ended: null }
  }
  const because = `${asked.by}: ${asked.reason ?? 'no reason given'}`
  const ended: Release = {
    ...release,
    step: release.step + 1,
    phase: { name: 'aborted', since: now, because },
  }
  return { service: { ...service, queued: null }, ended }
}

/** A new release: begins at once, waits behind the active one, or is refused (rulings §3). */
export function begin(service: Service, release: Release, replace: boolean, now: Now): Applied {
  if (service.release === null) return { service: { ...service, release }, ended: null }
  const waiting = service.queued
  if (waiting === null) return { service: { ...service, queued: release }, ended: null }
  if (!replace) {
    return {
      refused: {
        code: 'release-queued',
        reason: `${waiting.id} (${waiting.bundle.version}) waits already behind ${service.release.id}`,
        hint: `beryl deploy ${service.name} ${release.bundle.version} --replace`,
      },
    }
  }
  const ended: Release = {
    ...waiting,
    step: waiting.step + 1,
    phase: { name: 'aborted', since: now, because: `replaced by ${release.id}` },
  }
  return { service: { ...service, queued: release }, ended }
}

/** Puts ended releases away until one is active or none is left. */
export function settle(service: Service): Service {
  return service.release !== null && isEnd(service.release.phase)
    ? settle(putAway(service))
    : service
}
