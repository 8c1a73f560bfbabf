/** What the gateway saw of a control group, and what the guard makes of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayState, Observation } from '../../gateway/control.ts'
import { cellWidth } from '../../guard/answer.ts'
import { beginCoverage } from '../../guard/coverage.ts'
import { decide } from '../../guard/decide.ts'
import { beginPairing } from '../../guard/pairs.ts'
import { beginOrder } from '../../guard/reorder.ts'
import { errors, historyOf, latency, noon, rulesOf } from '../../guard/testing.ts'
import { beginWatch } from '../../guard/watch.ts'
import { advanceWatch, isWaiting } from './advance.ts'
import type { Watch } from '../store.ts'

const last = {
  run: 'run',
  services: { s: { assigned: 0, replicas: {}, table: { environments: {} } } },
} as unknown as GatewayState

function begun(): Watch {
  const history = historyOf({ bad: 10, total: 10_000 })
  return {
    service: 's',
    watch: beginWatch(rulesOf(errors, latency), history, false),
    order: beginOrder('run', 0, { width: cellWidth }),
    instances: [],
    twice: {
      old: 'r1',
      pairing: beginPairing('run', 0, { perSecond: 0 }),
      coverage: beginCoverage(),
    },
    said: null,
    opinions: null,
  }
}

type Seen = {
  live: Observation['outcome']
  /** Undefined: no copy was made. */
  copy?: Observation['outcome']
}

const one = (seq: number, release: string, outcome: Observation['outcome']) =>
  ({
    service: 's',
    release,
    replica: `${release}-a`,
    seq,
    at: noon,
    outcome,
    status: outcome === 'ok' ? 200 : 500,
    firstByteMs: 5,
    totalMs: 10,
  }) as Observation

/** In batches of twenty; each request by the rule given. */
function watched(count: number, seen: (seq: number) => Seen): Watch {
  let watch = begun()
  for (let from = 0; from < count; from += 20) {
    const items = Array.from({ length: 20 }, (_, index): Observation[] => {
      const seq = from + index
      const { live, copy } = seen(seq)
      const original = one(seq, 'r2', live)
      if (copy === undefined) return [original]
      return [
        { ...original, copied: true },
        { ...one(seq, 'r1', copy), isCopy: true },
      ]
    }).flat()
    watch = advanceWatch(watch, 'r2', { run: 'run', items, at: noon + from * 10, last })
  }
  return watch
}

const designs = ({ watch }: Watch) => watch.signals.map(({ design }) => design)
const decision = ({ watch }: Watch) => decide(watch, noon + 1_000_000).decision

test('a fifth of the requests that fails on both versions alike says nothing against the new one', () => {
  const outcome = (seq: number) => (seq % 5 === 0 ? ('error-status' as const) : ('ok' as const))
  const watch = watched(2000, (seq) => ({ live: outcome(seq), copy: outcome(seq) }))
  assert.deepEqual(designs(watch), ['paired', 'none'])
  assert.equal(decision(watch), 'promote')
  assert.ok(!isWaiting(watch))
})

test('failures of the new version alone roll it back', () => {
  const watch = watched(400, (seq) => ({
    live: seq % 10 === 0 ? 'error-status' : 'ok',
    copy: 'ok',
  }))
  assert.equal(decision(watch), 'rollBack')
  assert.ok(watch.watch.signals[0]!.judged.paired! > 0)
})

test('requests that may not be copied are judged by what was before', () => {
  const watch = watched(400, (seq) => ({ live: seq % 10 === 0 ? 'error-status' : 'ok' }))
  assert.equal(designs(watch)[0], 'before-after')
  assert.equal(decision(watch), 'rollBack')
})

test('failures before the request was whole have no copy, and do not hide behind pairs', () => {
  const watch = watched(1000, (seq) =>
    seq % 20 === 0 ? { live: 'connect-failed', copy: 'void' } : { live: 'ok', copy: 'ok' },
  )
  assert.equal(decision(watch), 'rollBack')
})

test('a half that is missing is waited for, and its end comes though nothing else arrives', () => {
  const items = [{ ...one(0, 'r2', 'ok'), copied: true as const }]
  const half = advanceWatch(begun(), 'r2', { run: 'run', items, at: noon, last })
  assert.equal(half.watch.total, 1)
  assert.equal(half.twice?.pairing.halves['0']?.of, 'live')
  const more = [1, 2].map((seq) => one(seq, 'r2', 'ok'))
  const waiting = advanceWatch(half, 'r2', { run: 'run', items: more, at: noon + 10, last })
  assert.ok(isWaiting(waiting))
  const over = advanceWatch(waiting, 'r2', { run: 'run', items: [], at: noon + 200_000, last })
  assert.ok(!isWaiting(over))
  assert.deepEqual(over.twice?.pairing.halves, {})
})

test('a range that the gateway dropped holds neither single answers nor pairs up', () => {
  const pairOf = (seq: number) => [
    { ...one(seq, 'r2', 'ok'), copied: true as const },
    { ...one(seq, 'r1', 'ok'), isCopy: true as const },
  ]
  const first = { run: 'run', items: [0, 1, 2].flatMap(pairOf), at: noon, last }
  const gaps = [
    { service: 's', count: 5, from: 3, to: 8 },
    { service: 'other', count: 2, from: 8, to: 10 },
    { service: 's', count: 7, from: null, to: null },
  ]
  const items = [8, 9].flatMap(pairOf)
  const next = { run: 'run', items, gaps, at: noon, last }
  const watch = advanceWatch(advanceWatch(begun(), 'r2', first), 'r2', next)
  assert.ok(!isWaiting(watch))
  assert.deepEqual([watch.watch.total, watch.watch.void], [5, 5])
  assert.equal(watch.watch.signals[0]!.judged['paired'], 2)
})
