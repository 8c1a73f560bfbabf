/** Of the thousand months of `npm run bench:months`, as many as fit into a test. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { liveMonths } from './testing/months.ts'

const months = 120

test('months at random: the ledger is what was up, live is not touched, and a standby has its time or it is said why not', () => {
  const { cuts, releases, losses, gaps, steps } = liveMonths(1, months)
  // They were not months in which nothing happened.
  assert.ok(cuts > 0.1 * months && releases > 2 * months, `${cuts} cuts, ${releases} releases`)
  assert.ok(losses > months && gaps > months, `${losses} losses, ${gaps} gaps`)
  assert.ok(steps > 0.5 * months, `${steps} canary steps`)
})
