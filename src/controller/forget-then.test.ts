/** Nothing is stopped before the gateway has forgotten it (rulings §8). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError } from '../ipc/problem.ts'
import { forgetThen } from './forget-then.ts'
import { openRows } from './rows.ts'
import { gatewayFake, journal, releaseOf, since, switched, tableOf } from './testing/hands.ts'

const service = switched(
  releaseOf({ name: 'clearing', since, endsAs: 'finished', because: 'the ladder is over' }),
)

function asked() {
  const { store } = journal(service)
  const rows = openRows(store)
  const gateway = gatewayFake(tableOf(4, 'green'))
  const acts: string[] = []
  const forget = (environment: 'blue' | 'green') =>
    forgetThen({ rows, gateway: gateway.client }, service, environment, async () => {
      acts.push(
        `act on ${environment}, forgotten: ${gateway.table.environments[environment] === null}`,
      )
    })
  return { rows, gateway, acts, forget }
}
const refusedWith = (code: string) => (error: unknown) =>
  error instanceof ProblemError && error.problem.code === code

test('the act comes after the gateway has forgotten the place', async () => {
  const { acts, forget } = asked()
  await forget('blue')
  assert.deepEqual(acts, ['act on blue, forgotten: true'])
})

test('while the place is live nothing is done', async () => {
  const { acts, forget } = asked()
  await assert.rejects(forget('green'), refusedWith('live'))
  assert.deepEqual(acts, [])
})

test('while requests are in flight there nothing is done', async () => {
  const { gateway, acts, forget } = asked()
  gateway.inFlight.blue = 1
  await assert.rejects(forget('blue'), refusedWith('in-flight'))
  assert.deepEqual(acts, [])
})

test('when the routes moved on since they were looked at nothing is done', async () => {
  const { gateway, acts, forget } = asked()
  gateway.before = () => void (gateway.table = tableOf(6, 'green'))
  await assert.rejects(forget('blue'), refusedWith('stale-generation'))
  assert.deepEqual(acts, [])
})

test('when a command changed the row in the meantime nothing is done', async () => {
  const { rows, gateway, acts, forget } = asked()
  gateway.before = () => rows.save({ next: service, events: [] })
  await forget('blue')
  assert.deepEqual(acts, [])
})

test('without the gateway nothing is done', async () => {
  const { gateway, acts, forget } = asked()
  gateway.client.state = () => Promise.reject(new Error('nobody answers'))
  await assert.rejects(forget('blue'), /nobody answers/)
  assert.deepEqual(acts, [])
})
