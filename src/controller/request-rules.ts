/** How the gateway treats requests, from `requests:` of the manifest. Pure. */
import type { ServiceManifest } from '../config/manifest.ts'
import type { RequestsManifest } from '../config/requests.ts'
import { sleepOf } from '../config/sleep.ts'
import type { PathRules, RequestRules, ServiceTable } from '../gateway/control.ts'

export function requestRulesOf({
  requests,
  environment,
  standby,
}: Pick<ServiceManifest, 'requests' | 'environment' | 'standby'>): NonNullable<
  ServiceTable['rules']
> {
  const { hidden: own } =
    environment.sleep === undefined ? { hidden: [] } : sleepOf(environment.sleep, '')
  // Whoever reaches a pool's controls unloads what others stand by on.
  const isPooled = standby.some((rung) => 'shared' in rung)
  const hidden = [...new Set([...own, ...(isPooled ? ['/v2/repository'] : [])])]
  const { concurrent, queue, affinity, retry, connections } = requests
  const paths = Object.entries(requests.paths).map(([path, own]): PathRules => ({
    path,
    ...ownRules(own),
  }))
  return {
    // Said in any case: what the gateway would take for usual is not what this manifest means.
    bodyMaxBytes: null,
    totalMs: null,
    ...ownRules(requests),
    concurrentMax: concurrent ?? null,
    queueMax: queue.atMost,
    queueMs: queue.for * 1000,
    affinity: affinity ?? null,
    retryShare: retry.share,
    kept: {
      idleMax: connections.idle,
      idleMs: connections.idleFor === undefined ? null : connections.idleFor * 1000,
      requestsMax: connections.requests ?? null,
    },
    ...(hidden.length === 0 ? {} : { hidden }),
    ...(paths.length === 0 ? {} : { paths }),
  }
}

/** Only what is said. */
function ownRules({
  body,
  bodySilence,
  firstByte,
  silence,
  total,
  retry,
}: RequestsManifest['paths'][string]): Partial<RequestRules> {
  return {
    ...(body === undefined ? {} : { bodyMaxBytes: body === 'any' ? null : body }),
    ...(bodySilence === undefined ? {} : { bodySilenceMs: bodySilence * 1000 }),
    ...(firstByte === undefined ? {} : { firstByteMs: firstByte * 1000 }),
    ...(silence === undefined ? {} : { idleMs: silence * 1000 }),
    ...(total === undefined ? {} : { totalMs: total === 'none' ? null : total * 1000 }),
    ...(retry === undefined ? {} : { retryMethods: retry.methods }),
  }
}
