import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Behaviour } from '../testing.ts'
import {
  calm,
  goldenFile,
  goldenSpec,
  labelled,
  model,
  target,
  warmUpSpec,
  unrecorded,
} from '../testing.ts'
import { warmUp } from '../warm-up/warm-up.ts'
import { goldenSet } from './golden-set.ts'

const failing: fc.Arbitrary<Behaviour> = fc.oneof(
  fc.constantFrom<Behaviour>('hang', 'close', 'cut', 'stall'),
  fc.constantFrom(301, 400, 404, 429, 500, 503).map((status) => ({ raw: '{"label":"a"}', status })),
  fc
    .constantFrom(
      '',
      'garbage',
      '{',
      '[]',
      'null',
      '{"label":null}',
      '{"other":"a"}',
      '{"label":["a"]}',
    )
    .map((raw) => ({ raw })),
)
const threshold = fc.option(fc.constantFrom(0, 0.01, 0.5, 1), { nil: null })

test('no sequence of failures ever passes a golden set, whatever is asked and however live behaves', async (context) => {
  const golden = await goldenFile(context, labelled(8))
  let behaviours: Behaviour[] = []
  let liveBehaviours: Behaviour[] = []
  const server = await model(context, (_, count) => behaviours[count % behaviours.length]!)
  const old = await model(context, (_, count) => liveBehaviours[count % liveBehaviours.length]!)
  const live: fc.Arbitrary<Behaviour> = fc.oneof(
    failing,
    fc.constantFrom({ label: 'a' }, { label: 'b' }),
  )
  const property = fc.asyncProperty(
    fc.array(failing, { minLength: 1, maxLength: 4 }),
    fc.array(live, { minLength: 1, maxLength: 4 }),
    fc.record({ atLeast: threshold, noWorseBy: threshold, expects: threshold }),
    fc.boolean(),
    async (own, other, asked, first) => {
      behaviours = own
      liveBehaviours = other
      const spec = goldenSpec({
        ...golden,
        ...asked,
        request: { method: 'POST', path: '/', headers: {}, timeoutS: 0.02 },
      })
      const versions = [target('v2', server), first ? null : target('v1', old)] as const
      const { verdict, because } = await goldenSet(spec, ...versions, calm())
      assert.notEqual(verdict, 'pass', because)
    },
  )
  await fc.assert(property, { seed: 1, numRuns: 40 })
})

test('no sequence of failures ever warms a replica up', async (context) => {
  let behaviours: Behaviour[] = []
  const server = await model(context, (_, count) => behaviours[count % behaviours.length]!)
  const broken = failing.filter((one) => typeof one === 'string' || 'status' in one)
  const property = fc.asyncProperty(
    fc.array(broken, { minLength: 1, maxLength: 4 }),
    async (own) => {
      behaviours = own
      const spec = warmUpSpec({
        withinS: 0.06,
        request: { method: 'POST', path: '/', headers: {}, timeoutS: 0.02 },
      })
      const { verdict, because } = await warmUp(spec, target('v2', server), unrecorded, {
        signal: AbortSignal.timeout(60),
        progress: () => {},
      })
      assert.notEqual(verdict, 'pass', because)
    },
  )
  await fc.assert(property, { seed: 1, numRuns: 8 })
})
