/** How a service's requests are treated where its table does not say. */
import type { ServiceTable, TrafficRules } from './control.ts'

export const usualRules: TrafficRules = {
  // A model that says nothing for a minute has lost the request; a slow prompt is answered sooner.
  firstByteMs: 60_000,
  // Token streams pause while a tool runs or a queue is long; not for five minutes.
  idleMs: 300_000,
  totalMs: null,
  bodyMaxBytes: null,
  concurrentMax: null,
  queueMax: 100,
  queueMs: 10_000,
  affinity: null,
  retryMethods: [],
  retryShare: 0.2,
  hidden: [],
}

export function rulesOf({ rules }: ServiceTable): TrafficRules {
  return { ...usualRules, ...rules }
}
