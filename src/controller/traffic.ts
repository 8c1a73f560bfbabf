/** `switch.traffic` of the manifest, as the heart takes it: the parts before the last one, which is all. */
import type { TrafficManifest } from '../config/manifest.ts'
import type { Rules } from '../release/release.ts'

export function trafficOf(traffic: TrafficManifest): Pick<Rules, 'traffic'> {
  if (traffic === 'allAtOnce') return {}
  const { every: everyS, sticky = null } = traffic
  return { traffic: { shares: sharesOf(traffic), everyS, sticky } }
}

/** Linear: 30 % → 30 %, 60 %, 90 %, and then all of it. */
function sharesOf(traffic: Exclude<TrafficManifest, 'allAtOnce'>): number[] {
  if ('canary' in traffic) return traffic.canary
  const { linear } = traffic
  // To a hundredth of a percent: 3 times 0.1 is not 0.3 in binary.
  const steps = Array.from({ length: Math.ceil(1 / linear) }, (_, at) => (at + 1) * linear)
  return steps.map((share) => Math.round(share * 10_000) / 10_000).filter((share) => share < 1)
}
