/** Rulings §14, row by row. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Now, Phase, PhaseName, Placed, Release, Service } from './release.ts'
import { releaseCan, serviceCan } from './release-can.ts'
import type { Command } from './release-can.ts'
import { plainRules } from './testing/plain.ts'

const phases: readonly PhaseName[] = [
  'queued',
  'provisioning',
  'warming',
  'verifying',
  'awaiting-approval',
  'switching',
  'watching',
  'stabilizing',
  'rolling-back',
  'clearing',
  'finished',
  'rejected',
  'rolled-back',
  'aborted',
  'verified',
]

const table: Record<Command, readonly PhaseName[]> = {
  approve: ['queued', 'provisioning', 'warming', 'verifying', 'awaiting-approval'],
  promote: ['switching', 'watching'],
  pause: phases.slice(0, phases.indexOf('rolling-back')).concat('clearing'),
  resume: [],
  abort: ['queued', 'provisioning', 'warming', 'verifying', 'awaiting-approval'],
  rollback: ['switching', 'watching', 'stabilizing'],
  retry: ['rejected', 'rolled-back', 'aborted'],
}

for (const [command, allowed] of Object.entries(table) as [Command, readonly PhaseName[]][]) {
  test(`${command} is allowed in: ${allowed.join(', ') || 'no phase unless paused'}`, () => {
    const permitted = phases.filter((phase) => {
      const service = serviceIn(phase)
      return releaseCan(command, service.release!, service) === null
    })
    assert.deepEqual(permitted, allowed)
  })
}

test('resume is allowed wherever pause is, once it is paused; a second pause is refused', () => {
  const service = serviceIn('verifying')
  const paused: Release = { ...service.release!, paused: { by: 'ann', at: 0, up: 0 } }
  assert.equal(releaseCan('resume', paused, service), null)
  assert.equal(releaseCan('pause', paused, service)?.code, 'already-paused')
})

test('abort after the switch is refused with the hint to roll back, rollback before it with the hint to abort', () => {
  const after = serviceIn('watching')
  assert.equal(releaseCan('abort', after.release!, after)?.hint, 'beryl rollback tiny')
  const before = serviceIn('verifying')
  assert.equal(releaseCan('rollback', before.release!, before)?.hint, 'beryl abort tiny')
})

test('without a standby rollback is refused, and the hint names the way that is left', () => {
  const service = { ...serviceIn('watching'), standby: null }
  const refusal = releaseCan('rollback', service.release!, service)
  assert.equal(refusal?.code, 'no-standby')
  assert.match(refusal?.hint ?? '', /rollback tiny --to/)
})

test('without a release each command says what there is to do', () => {
  const service = { ...serviceIn('finished'), release: null, standby: null }
  assert.equal(serviceCan('abort', service)?.code, 'no-release')
  assert.equal(serviceCan('rollback', service)?.code, 'no-standby')
})

function serviceIn(name: PhaseName): Service {
  const since: Now = { wall: 0, up: 0 }
  const phase = {
    name,
    since,
    because: '',
    endsAs: 'finished',
    generation: 2,
    step: 1,
    of: 1,
    rung: 0,
    why: '',
    by: '',
  } as unknown as Phase
  const bundle = { version: 'b', digest: 'sha256:b', replicas: 1 }
  const old: Placed = { version: 'a', digest: 'sha256:a', replicas: 1, release: 'r1' }
  const release: Release = {
    id: 'r2',
    service: 'tiny',
    kind: 'deploy',
    bundle,
    from: old,
    rules: plainRules,
    by: 'ann',
    at: 0,
    step: 0,
    phase,
    paused: null,
    approvals: [],
    skipped: [],
    accepted: null,
  }
  const back = {
    generation: 3,
    back: 3,
    colour: 'blue' as const,
    live: { ...bundle, release: 'r2' },
  }
  return { name: 'tiny', ...back, standby: old, release, queued: null }
}
