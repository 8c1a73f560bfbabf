import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { GatewayClient } from '../../gateway/client.ts'
import type { GatewayState, Observation } from '../../gateway/control.ts'
import { errors, rulesOf } from '../../guard/testing.ts'
import type { Release, Service } from '../../release/release.ts'
import { openStore } from '../../storage/store.ts'
import type { SignalVerdict } from '../../verification/signals/signal.ts'
import { answerCounts } from './signal-totals.ts'
import type { ControllerStore } from '../store.ts'
import { watchingOf } from './watching.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-watching-'))
const store = openStore(join(directory, 'beryl.db')) as ControllerStore
after(() => {
  store.close()
  rmSync(directory, { recursive: true })
})

test('a watch does not wait for what was answered, and counted, before it began, whoever began it before', async () => {
  const release = {
    id: 'r1',
    service: 'tiny',
    from: null,
    phase: { name: 'watching' },
  } as unknown as Release
  const event = {
    at: 0,
    service: 'tiny',
    release: null,
    kind: 'command',
    by: 'ann',
    text: '',
    data: {},
  }
  const stored = store.services.create({ name: 'tiny' } as Service, event)
  store.services.save(
    { service: { name: 'tiny', release } as Service, revision: stored.revision },
    { releases: [], added: [{ release, plan: { watch: rulesOf(errors) } as never }], events: [] },
  )
  let items: Observation[] = []
  const gateway = {
    observations: (run: string, from: number) =>
      Promise.resolve({ run, next: from + items.length, items, gaps: [] }),
  } as unknown as GatewayClient
  const curves = { add: () => {}, evidence: () => {} }
  const watching = watchingOf({
    store,
    gateway,
    curves,
    examiner: { verdicts: () => Promise.reject(new Error('nobody asks it')) },
    signals: { isAny: () => false, settings: () => null },
    now: () => ({ wall: 1_800_000_000_000, up: 1 }),
  })
  const seen = (seq: number, by: string) =>
    ({ service: 'tiny', release: by, seq, outcome: 'ok', status: 200 }) as Observation

  const stateAt = (assigned: number) =>
    ({
      run: 'run',
      services: { tiny: { assigned, replicas: {}, table: { environments: {} } } },
    }) as unknown as GatewayState
  // A controller began it at number 90, and died before it journalled the switch: 90 to 99 were counted without it.
  await watching.take(stateAt(90))
  watching.begin(release)
  // The gateway says that 100 were assigned; five more are answered before it is asked what it saw.
  items = Array.from({ length: 5 }, (_, index) => seen(100 + index, 'r0'))
  const state = stateAt(100)
  while (store.traffic.totals('tiny', 'r0').total < 5) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    await watching.take(state)
  }
  watching.begin(release)
  items = Array.from({ length: 40 }, (_, index) => ({
    ...seen(105 + index, 'r1'),
    replica: 'a',
    firstByteMs: 1,
    totalMs: 2,
    at: 1_800_000_000_000,
  }))
  const said = () => watching.view(release)!.because
  for (let looks = 0; looks < 1000 && !said().includes('in 40 answers'); looks++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    await watching.take(state)
  }
  assert.match(said(), /0 errors in 40 answers/)
})

test('what the examiner says is counted once, and asked for from where it was taken', async () => {
  const settings = {
    id: 'reading',
    protocol: 'http' as const,
    signals: { ok: { kind: 'yesNo' as const, answer: '$.ok', matches: null, bad: false } },
  }
  const verdict = {
    id: 'reading',
    service: 'small',
    run: 'run',
    release: 'r7',
    isCopy: false,
    values: { ok: true },
  } as unknown as SignalVerdict
  const asked: number[] = []
  const watching = watchingOf({
    store,
    gateway: {
      observations: (run: string, next: number) =>
        Promise.resolve({ run, next, items: [], gaps: [] }),
    } as unknown as GatewayClient,
    curves: { add: () => {}, evidence: () => {} },
    examiner: {
      verdicts: (_: string, after: number) => {
        asked.push(after)
        return Promise.resolve({ run: 'e', next: 1, items: after === 0 ? [verdict] : [], gaps: 0 })
      },
    },
    signals: { isAny: () => true, settings: () => settings },
    now: () => ({ wall: 1_800_000_000_000, up: 1 }),
  })
  const state = { run: 'run', services: {} } as unknown as GatewayState
  for (let looks = 0; looks < 2000 && asked.filter((after) => after === 1).length < 3; looks++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    await watching.take(state)
  }
  assert.deepEqual(asked.slice(0, 2), [0, 1])
  assert.deepEqual(answerCounts(store, 'small', 'r7', settings), { ok: { total: 1, bad: 1 } })
})
