/** The examiner is told which answers to judge, as long as a service is there, whatever else goes wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SignalSettings } from '../../verification/signals/signal.ts'
import { keepSignals } from './signals.ts'

const settings = (id: string) => ({ id, protocol: 'http', signals: {} }) as SignalSettings

test('a service that was removed is judged no more; a file that is gone, or an examiner that is away, ends nothing', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] })
  let services: { name: string; release: string | null }[] = [
    { name: 'chat', release: null },
    { name: 'tags', release: null },
  ]
  let isAway = false
  let broken = ''
  const told: string[][] = []
  const keeper = keepSignals({
    examiner: {
      configureSignals: async (wanted) => {
        if (isAway) throw new Error('nobody listens')
        told.push(Object.keys(wanted))
        return { dropped: {} }
      },
    },
    registry: {
      signalsOf: async (name) => {
        if (name === broken) throw new Error('its schema is gone')
        return { answers: settings(name), opinions: {} }
      },
    },
    services: () => services,
    store: { services: { plan: () => null } },
    now: () => 0,
  })
  context.after(() => keeper.stop())
  /** One round: what it began is over once nothing is left to be done at once. */
  const round = async () => {
    context.mock.timers.tick(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await round()
  assert.deepEqual(told.at(-1), ['chat', 'tags'])
  assert.equal(keeper.every('tags', 0), 1)
  services = [{ name: 'chat', release: null }]
  await round()
  assert.deepEqual(told.at(-1), ['chat'])
  assert.equal(keeper.every('tags', 10), null)
  // Verdicts by its settings may still be on their way.
  assert.notEqual(keeper.settings('tags'), null)

  isAway = true
  await round()
  isAway = false
  broken = 'chat'
  await round()
  assert.deepEqual(told.at(-1), [])
  assert.equal(keeper.isAny(), false)
  broken = ''
  await round()
  assert.deepEqual(told.at(-1), ['chat'])
})
