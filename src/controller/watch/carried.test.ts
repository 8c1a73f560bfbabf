/** What gates put down about failures, and when it may count for the watch. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayState } from '../../gateway/control.ts'
import type { Release } from '../../release/release.ts'
import { carriedOf } from './carried.ts'
import type { ControllerStore } from '../store.ts'

const release = {
  id: 'r2',
  service: 's',
  rules: {
    gates: [
      { name: 'shadow', kind: 'shadow' },
      { name: 'replay', kind: 'replay' },
      { name: 'golden', kind: 'goldenSet' },
    ],
  },
} as unknown as Release
const whole = { asked: 100, allowed: 100, sent: 90, missed: 0 }
const gate = (name: string, errors: unknown, state = 'decided') => ({
  state: { name, state, evidence: { errors } },
})

function carried(gates: readonly object[], tapped: object | null = whole) {
  const store = { gates: { of: () => gates } } as unknown as ControllerStore
  const services = tapped === null ? {} : { s: { tapped } }
  return carriedOf(store, release, { services } as unknown as GatewayState)
}

test('shadow and replay are added up; other gates, and those that are not decided, say nothing', () => {
  const told = { total: 100, newOnly: 1 }
  assert.deepEqual(
    carried([
      gate('shadow', told),
      gate('replay', { total: 300, newOnly: 0 }),
      gate('golden', told),
      gate('gone', told),
    ]),
    { total: 400, newOnly: 1 },
  )
  assert.equal(carried([gate('shadow', told, 'running')]), null)
  assert.equal(carried([]), null)
})

test('copies of a part of the traffic stand for that part only', () => {
  const gates = [gate('shadow', { total: 500, newOnly: 0 })]
  assert.notEqual(carried(gates), null)
  assert.equal(carried(gates, { ...whole, allowed: 50 }), null)
  assert.equal(carried(gates, null), null)
})

test('what an older examiner put down, or what is no count, is nothing', () => {
  for (const errors of [undefined, null, 7, {}, { total: 1 }, { total: 1, newOnly: 2 }])
    assert.equal(carried([gate('shadow', errors)]), null)
})
