/** Which live exchanges the examiner gets to see: what capture asks for, more while a shadow gate runs, none without a live version. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayState, Tap } from '../../gateway/control.ts'
import type { CaptureSettings } from '../../verification/capture/captures.ts'
import type { Plan } from '../plan.ts'
import { keepTap, tapOf } from './tap.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'

const copy = { methods: ['POST'], exclude: ['/admin'] }
const plan = { gates: { shadow: { kind: 'shadow', share: 0.5 }, goldenSet: {} } } as unknown as Plan

function world(captured: number | null) {
  const release = releaseOf({ name: 'verifying', since })
  const service = switched(release)
  const { store } = journal(service)
  const registry = {
    captureOf: () => (captured === null ? null : ({ share: captured } as CaptureSettings)),
    copyOf: () => copy,
  }
  const sources = {
    registry,
    store: { gates: store.gates, services: { ...store.services, plan: () => plan } },
  }
  const running = (name: string, state: 'running' | 'decided') =>
    store.gates.put(release.id, {
      startedAt: 0,
      state:
        state === 'running'
          ? { name, state, attempt: 1, since }
          : { name, state, attempt: 1, at: 0, verdict: 'pass', because: '', evidence: {} },
    })
  return {
    service,
    running,
    tap: (of = service, every: number | null = null) => tapOf(of, { ...sources, every }),
  }
}

test('capture alone asks for its share; a shadow gate for more, while it runs and no longer', () => {
  const { running, tap, service } = world(0.05)
  assert.deepEqual(tap(), { share: 0.05, ...copy })
  running('goldenSet', 'running')
  assert.equal(tap()!.share, 0.05)
  running('shadow', 'running')
  assert.deepEqual(tap(), { share: 0.5, ...copy })
  running('shadow', 'decided')
  assert.equal(tap()!.share, 0.05)
  assert.equal(tap({ ...service, live: null }), null)
})

test('answers are handed on to be judged besides, each so-manyth', () => {
  assert.deepEqual(world(0.05).tap(undefined, 4), { share: 0.05, ...copy, every: 4 })
  assert.deepEqual(world(null).tap(undefined, 1), { share: 0, ...copy, every: 1 })
})

test('where nothing is asked for, nothing is tapped', () => {
  const { running, tap } = world(null)
  assert.equal(tap(), null)
  running('shadow', 'running')
  assert.equal(tap()!.share, 0.5)
})

test('the gateway is told only where it does otherwise, also when it started anew', async () => {
  const { service } = world(null)
  const told: (Tap | null)[] = []
  const hands = (wanted: Tap | null) =>
    ({
      tapOf: () => wanted,
      gateway: { tap: async (_: string, tap: Tap | null) => (told.push(tap), null) },
    }) as never
  const state = (tap?: Tap | null) => ({ services: { tiny: { tap } } }) as unknown as GatewayState
  const wanted = { share: 1, ...copy }
  await keepTap(hands(wanted), service, null)
  await keepTap(hands(wanted), service, { services: {} } as unknown as GatewayState)
  await keepTap(hands(wanted), service, state(wanted))
  await keepTap(hands(null), service, state())
  assert.deepEqual(told, [])
  await keepTap(hands(wanted), service, state(null))
  await keepTap(hands(null), service, state(wanted))
  assert.deepEqual(told, [wanted, null])
})
