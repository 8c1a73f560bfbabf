/** Times of tokens, from verdicts to the history that the next version is held against. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayState, Observation } from '../../gateway/control.ts'
import { bucketOf } from '../../guard/latency-history.ts'
import type { SignalSettings, SignalVerdict } from '../../verification/signals/signal.ts'
import { tokenTimesOf } from './signal-totals.ts'
import type { ControllerStore } from '../store.ts'
import { openTimes } from './times.ts'

const noon = 1_700_000_000_000
const settings = {
  id: 'reading',
  protocol: 'openai',
  signals: {
    perToken: { kind: 'time', of: 'perToken' },
    drift: { kind: 'category', of: 'length', answer: null },
  },
} as SignalSettings
const verdict = (values: SignalVerdict['values'], more: Partial<SignalVerdict> = {}) =>
  ({ id: 'reading', service: 's', release: 'r1', isCopy: false, values, ...more }) as SignalVerdict

test('of clients, by settings that are known, and of what is a time', () => {
  const known = (id: string) => (id === 'reading' ? settings : null)
  const told = [
    verdict({ perToken: 20, drift: 'short' }),
    verdict({ drift: 'short' }),
    verdict({ perToken: null }),
    verdict({ perToken: 21 }, { isCopy: true }),
    verdict({ perToken: 22 }, { id: 'another' }),
  ]
  assert.deepEqual(tokenTimesOf(told, known), [
    { service: 's', release: 'r1', of: 'perToken', ms: 20 },
  ])
})

test('they stand at the rate of their release, each once, also where nothing else came with them', () => {
  const store = { traffic: { times: () => null } } as unknown as ControllerStore
  const times = openTimes(store)
  const environments = { blue: { release: 'r1', replicas: [{ id: 'a' }] } }
  const state = {
    services: { s: { table: { environments }, replicas: {} } },
  } as unknown as GatewayState
  const item = { service: 's', release: 'r1', outcome: 'ok', status: 200 } as Observation
  const tokens = [{ service: 's', release: 'r1', of: 'perToken' as const, ms: 20 }]
  const give = (items: Observation[], at: number, told = tokens) => {
    const [kept] = times.with({ items, tokens: told }, state, at)
    times.written()
    return kept!.times
  }
  const many = Array.from({ length: 400 }, () => item)
  give(many, noon, [])
  // No rate is known before a window has passed: nothing is said of any load then.
  assert.equal(give(many, noon + 5000).perToken, undefined)
  const { load } = give(many, noon + 10_000, [])
  const ready = 1
  const after = give([], noon + 10_001)
  if (load.perSecond === null) assert.fail('a window has passed')
  assert.deepEqual(Object.keys(after.perToken ?? {}), [bucketOf(load.perSecond.new / ready)])
  assert.equal(Object.values(after.perToken!)[0]!.total, 1)
})
