import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { overview } from './status.ts'

const quiet = {
  live: { version: 'v1', environment: 'blue' },
  release: null,
  queued: null,
  wayBack: { possible: false },
  frozen: [],
  problems: [],
}
const moving = { id: 'r7', version: 'v2', phase: 'watching', waitingFor: 'evidence', paused: null }

test('many services have a line each, which says what needs somebody', () => {
  const views = [
    { ...quiet, service: 'a' },
    { ...quiet, service: 'support-chat', live: null, problems: ['no GPU\nlog'], frozen: [{}] },
    { ...quiet, service: 'b', wayBack: { possible: true, rung: 'asleep' }, release: moving },
  ] as unknown as (ServiceView & { release: ReleaseView | null })[]
  assert.equal(
    overview(views),
    `service       live        way back  now
a             v1 on blue  none      –
support-chat  none yet    none      problem: no GPU; frozen
b             v1 on blue  asleep    r7 (v2) watching: waits for evidence
Next: beryl status SERVICE`,
  )
})
