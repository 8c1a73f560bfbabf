/** For tests only: a plain service, plain rules, and a release that has just been asked for. */
import { emptyService } from '../release.ts'
import type { Now, Release, Rules, Service } from '../release.ts'

export const plainRules: Rules = {
  gates: [
    { name: 'warmUp', kind: 'warmUp', needsLive: false, absolute: false },
    { name: 'goldenSet', kind: 'goldenSet', needsLive: false, absolute: true },
  ],
  switchWhen: 'verified',
  readyWithinS: 10,
  drainS: 30,
  watch: { atLeastS: 60, atMostS: 600, whenUndecided: 'hold' },
  standby: [{ rung: 'full', forS: 300 }],
}

export const newService: Service = emptyService('tiny')

export function newRelease(
  bundle: Release['bundle'],
  now: Now,
  change: Pick<Release, 'id' | 'kind' | 'rules'>,
): Release {
  return {
    service: 'tiny',
    from: null,
    by: 'ann',
    bundle,
    at: now.wall,
    step: 0,
    phase: { name: 'queued', since: now },
    paused: null,
    approvals: [],
    skipped: [],
    accepted: null,
    ...change,
  }
}
