import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sealed, unsealed } from './by-name.ts'

test('marks become values wherever they stand, and nothing else changes', () => {
  const value = {
    env: { TOKEN: `Bearer ${sealed('A')}`, both: `${sealed('A')}${sealed('B_2')}` },
    list: [sealed('A'), 'plain ${A} {A}', 7, null, true],
  }
  assert.deepEqual(unsealed(value, { A: 'one', B_2: '$& two' }), {
    env: { TOKEN: 'Bearer one', both: 'one$& two' },
    list: ['one', 'plain ${A} {A}', 7, null, true],
  })
})

test('a variable that is not set is named', () => {
  assert.throws(() => unsealed([sealed('GONE')], {}), /environment variable GONE is not set/)
  assert.equal(unsealed(sealed('EMPTY'), { EMPTY: '' }), '')
})
