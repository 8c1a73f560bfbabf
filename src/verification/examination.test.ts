import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, short } from './examination.ts'
import { timerMs } from './timer-ms.ts'

test('a verdict stays below 64 KiB, whatever it is made of, and says that it was cut', () => {
  const { evidence, because } = bounded({
    verdict: 'fail',
    because: 'x'.repeat(5000),
    evidence: { score: 0.5, examples: Array(100).fill('\u0001'.repeat(1000)), slices: [1, 2] },
  })
  assert.ok(JSON.stringify(evidence).length <= 64 * 1024)
  assert.equal(evidence['score'], 0.5)
  assert.deepEqual(evidence['slices'], [1, 2])
  assert.match(String(evidence['shortened']), /65536/)
  assert.ok(because.length <= 1001)
  assert.deepEqual(
    bounded({ verdict: 'pass', because: 'fine', evidence: { big: 'x'.repeat(70_000) } }),
    {
      verdict: 'pass',
      because: 'fine',
      evidence: { shortened: 'the evidence was too large to keep' },
    },
  )
})

test('text is cut between characters, never within one', () => {
  assert.ok(short(`${'x'.repeat(9)}😀`, 10).isWellFormed())
  assert.equal(short({ a: 1 }, 100), '{"a":1}')
  assert.equal(short(undefined, 100), 'nothing')
})

test('a timer takes every limit of the manifest as it is', () => {
  assert.equal(timerMs(1.005), 1005)
  assert.equal(timerMs(0.0001), 1)
  assert.equal(timerMs(30 * 86_400), 2 ** 31 - 1)
})
