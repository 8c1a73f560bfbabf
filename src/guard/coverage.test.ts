import assert from 'node:assert/strict'
import { test } from 'node:test'
import { beginCoverage, countCoverage, isCovered } from './coverage.ts'
import type { Coverage } from './coverage.ts'

const after = (...seen: Partial<Coverage>[]) =>
  seen.reduce<Coverage>(
    (sum, more) => countCoverage(sum, { ...beginCoverage(), ...more }),
    beginCoverage(),
  )

test('pairs stand for all live traffic from the start on, and only while nearly all of it is copied', () => {
  assert.ok(isCovered(beginCoverage()))
  assert.ok(isCovered(after({ asked: 49, copied: 0 })))
  assert.ok(!isCovered(after({ asked: 50, copied: 44 })))
  assert.ok(isCovered(after({ asked: 50, copied: 45 })))
})

test('copies that stop are noticed within fifty requests, however many went before, and so is their return', () => {
  const long = Array.from({ length: 100 }, () => ({ asked: 1000, copied: 1000 }))
  assert.ok(isCovered(after(...long)))
  assert.ok(!isCovered(after(...long, { asked: 50, copied: 0 })))
  const back = Array.from({ length: 10 }, () => ({ asked: 100, copied: 100 }))
  assert.ok(isCovered(after(...long, { asked: 50, copied: 0 }, ...back)))
})

test('copies that were dropped after all take back what was said of them, and never more', () => {
  assert.ok(!isCovered(after({ asked: 100, copied: 100 }, { copied: -20 })))
  assert.equal(after({ asked: 10, copied: -50 }).copied, 0)
})

test('failures that no copy stands beside are not hidden by pairs, few as they are among all requests', () => {
  const fine = { asked: 380, copied: 370, bad: 0, badAlone: 0 }
  assert.ok(isCovered(after(fine)))
  assert.ok(isCovered(after(fine, { asked: 2, bad: 2, badAlone: 2 })))
  assert.ok(!isCovered(after(fine, { asked: 3, bad: 3, badAlone: 3 })))
  // Where pairs see nine of ten failures, they see them.
  assert.ok(isCovered(after(fine, { asked: 40, copied: 37, bad: 40, badAlone: 3 })))
})
