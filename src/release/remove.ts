/** A service, or its way back, that somebody takes away (`apply --remove`, rulings §13). Pure: the row that follows, to be saved before it is acted on. */
import { elapsedS, seconds } from './clock.ts'
import { enter } from './enter.ts'
import { emptyService, isEnd } from './release.ts'
import type { Actor, Now, Release, Service } from './release.ts'
import type { Seen } from './seen.ts'

/** What has to end before the service may go, or before its standby may; null: nothing. */
export function underWay({ release }: Service): Release | null {
  if (release === null || isEnd(release.phase)) return null
  return ['stabilizing', 'clearing'].includes(release.phase.name) ? null : release
}

/**
 * From here on nothing of it is routed; what is in flight may end, and then its replicas stop by the one way. Its generations go on:
 * a service that comes back under this name never uses one twice.
 *
 * @param drainS what is in flight may take so long
 * @returns the row, and releases that this ends
 */
export function removeService(
  service: Service,
  { by, drainS }: { by: Actor; drainS: number },
  now: Now,
): { service: Service; ended: Release[] } {
  const because = `${by} removed the service`
  const ended = [service.release, service.queued].flatMap((release): Release[] => {
    if (release === null || isEnd(release.phase)) return []
    const end = release.id === service.queued?.id ? 'aborted' : endOf(release)
    return [{ ...release, step: release.step + 1, phase: { name: end, since: now, because } }]
  })
  const { name, generation } = service
  const removing = { since: now, by, drainS }
  return { service: { ...emptyService(name), generation, removing }, ended }
}

/** It went live, and its standby is given up; or it was being cleared for another end. */
function endOf({ phase }: Release) {
  return phase.name === 'clearing' ? phase.endsAs : 'finished'
}

/** Its way back ends, and the release with it; what was kept is drained and stops. */
export function giveUpStandby(service: Service, because: string, now: Now): Service {
  return enter(service, service.release!, { to: 'clearing', endsAs: 'finished', because }, now)
}

/** Why what is in flight may be cut; null: it may go on. */
export function removalIsOver({ removing }: Service, now: Now): string | null {
  if (removing === undefined) return null
  return elapsedS(removing.since, now) >= removing.drainS
    ? `the service was removed, and the drain deadline of ${seconds(removing.drainS)} is over`
    : null
}

/** Nothing of it is left. */
export function isGone({ removing }: Service, { replicas, gateway }: Seen): boolean {
  if (removing === undefined || gateway === null || replicas.length > 0) return false
  const { blue, green } = gateway.environments
  return gateway.live === null && blue === null && green === null && gateway.outdated !== true
}
