/** What a person sees while they wait: one line rewritten on a terminal, plain lines in a pipe. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReleaseView } from '../api/shapes.ts'
import { codeOf } from './exit-codes.ts'
import { nextStep } from '../api/next-step.ts'
import { outcome } from './describe.ts'
import { progress } from './progress.ts'

function release(change: Partial<ReleaseView> = {}): ReleaseView {
  return {
    id: 'r7',
    service: 'chat',
    version: 'v2',
    from: 'v1',
    phase: 'warming',
    waitingFor: null,
    because: null,
    paused: null,
    gates: [],
    leftOut: [],
    switched: null,
    rolledBack: null,
    ...change,
  } as ReleaseView
}

const steps = [
  release({ phase: 'provisioning', waitingFor: 'replicas: 0 of 2 are ready' }),
  release({ phase: 'provisioning', waitingFor: 'replicas: 1 of 2 are ready' }),
  release({ phase: 'provisioning', waitingFor: 'replicas: 1 of 2 are ready' }),
  release({ phase: 'awaiting-approval', waitingFor: 'approval by a person' }),
  release({ phase: 'rejected', because: 'goldenSet: v2 scores 80 %\nthe worst lines …' }),
]

function printed(screen: { isTTY?: boolean; columns?: number }): string {
  let text = ''
  const print = progress({ ...screen, write: (more) => (text += more) })
  for (const step of steps) print(step)
  return text
}

test('in a pipe each phase is one plain line, and what a person must end is told', () => {
  const text = printed({})
  assert.equal(
    text,
    `r7 provisioning: waits for replicas: 0 of 2 are ready
r7 awaiting-approval: waits for approval by a person
r7 rejected: goldenSet: v2 scores 80 %
`,
  )
})

test('on a terminal the line that waits is rewritten in place, and only when it says something new', () => {
  const text = printed({ isTTY: true, columns: 200 })
  const rewritten = text.split('\r\u001B[K').slice(1)
  assert.deepEqual(rewritten, [
    'r7 provisioning: waits for replicas: 0 of 2 are ready',
    'r7 provisioning: waits for replicas: 1 of 2 are ready',
    'r7 awaiting-approval: waits for approval by a person',
    'r7 rejected: goldenSet: v2 scores 80 %\n',
  ])
})

test('a line never wraps: only its last piece would be rewritten', () => {
  const lines = printed({ isTTY: true, columns: 30 }).split('\r\u001B[K').slice(1, 4)
  for (const line of lines) assert.ok(line.length < 30, line)
  assert.match(lines[0]!, /…$/)
})

test('every phase has a next step, and an exit code of the contract', () => {
  const codes: Record<string, number> = {
    queued: 5,
    provisioning: 5,
    warming: 5,
    verifying: 5,
    'awaiting-approval': 5,
    switching: 5,
    watching: 5,
    'rolling-back': 5,
    clearing: 5,
    stabilizing: 0,
    finished: 0,
    verified: 0,
    rejected: 3,
    'rolled-back': 4,
    aborted: 1,
  }
  for (const [phase, code] of Object.entries(codes)) {
    const one = release({ phase: phase as ReleaseView['phase'] })
    assert.match(nextStep(one), /beryl [a-z]+ (r7|chat)/, phase)
    assert.equal(codeOf(one), code, phase)
  }
})

test('a first version that is undecided is promoted, never rolled back: there is nowhere to go', () => {
  const waiting = { phase: 'watching', waitingFor: '`promote` or `rollback`' } as const
  assert.match(nextStep(release(waiting)), /promote r7 --reason WHY, or beryl rollback chat/)
  assert.doesNotMatch(nextStep(release({ ...waiting, from: null })), /rollback/)
})

test('what is frozen is lifted by the command that its wait names', () => {
  const waitingFor = '`unfreeze chat`: ann froze chat (holidays)'
  assert.equal(nextStep(release({ phase: 'awaiting-approval', waitingFor })), 'beryl unfreeze chat')
})

test('the end of a wait shows all of the reason, and says when the release goes on without us', () => {
  const log = 'r-1 could not start\nout of memory\nat line 7'
  assert.match(
    outcome(release({ phase: 'rejected', because: log })),
    /^    out of memory\n    at line 7\nNext: /,
  )
  assert.match(
    outcome(release({ waitingFor: 'evidence' })),
    /^r7 goes on; the wait is over\.\nNext: /,
  )
})
