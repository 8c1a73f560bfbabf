import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { calm, model, target } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import { identity } from './identity.ts'
import type { IdentitySpec } from './identity.ts'

async function asked(
  context: TestContext,
  behaviours: readonly Behaviour[],
  more: Partial<IdentitySpec> = {},
) {
  const models = await Promise.all(behaviours.map((one) => model(context, () => one)))
  const verdict = await identity(
    {
      kind: 'identity',
      request: { method: 'GET', path: '/version', headers: {}, timeoutS: 0.3 },
      answer: '$.version',
      is: 'v2',
      withinS: 5,
      ...more,
    },
    target('v2', ...models),
    calm(),
  )
  return { ...verdict, models }
}
const says = (value: unknown): Behaviour => ({ raw: JSON.stringify(value) })

test('every replica is asked, and all must say what they should', async (context) => {
  const right = await asked(context, [says({ version: 'v2' }), says({ version: 'v2' })])
  assert.deepEqual([right.verdict, right.because], ['pass', 'each replica of v2 (2) says v2'])
  for (const { asked: seen } of right.models) {
    assert.equal(seen.length, 1)
    assert.deepEqual([seen[0]!.url, seen[0]!.test], ['/version', 'identity'])
  }
  const wrong = await asked(context, [says({ version: 'v2' }), says({ version: 'v1' })])
  assert.equal(wrong.verdict, 'fail')
  assert.match(wrong.because, /should say v2 at GET \/version, and says v1$/)
})

test('a number, a list that has it, and a plain text are names too', async (context) => {
  const list = says({ name: 'm', versions: ['1', '2'] })
  const more = { answer: '$.versions[*]', is: '2' }
  assert.equal((await asked(context, [list], more)).verdict, 'pass')
  assert.equal((await asked(context, [list], { ...more, is: '3' })).verdict, 'fail')
  assert.equal((await asked(context, [says({ version: 2 })], { is: '2' })).verdict, 'pass')
  assert.equal((await asked(context, [{ raw: 'v2\n' }], { answer: null })).verdict, 'pass')
})

test('one that cannot say fails; one that does not answer leaves it undecided, unless another fails', async (context) => {
  for (const behaviour of [
    { raw: '', status: 404 },
    { raw: '{"version":"v2"}', status: 500 },
    { raw: 'v2' },
    says({}),
    says({ version: { name: 'v2' } }),
    says({ version: null }),
  ])
    assert.equal((await asked(context, [behaviour])).verdict, 'fail', JSON.stringify(behaviour))
  for (const behaviour of ['hang', 'close', 'cut'] as const)
    assert.equal((await asked(context, [says({ version: 'v2' }), behaviour])).verdict, 'undecided')
  assert.equal((await asked(context, ['hang', says({ version: 'v1' })])).verdict, 'fail')
})
