/** What was said of answers, as evidence of a watch: each once, by who answered, and never by whom nobody knows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayState, Observation } from '../../gateway/control.ts'
import { drawnWidth } from '../../guard/answer.ts'
import { beginCoverage } from '../../guard/coverage.ts'
import { decide } from '../../guard/decide.ts'
import type { YesNoRules } from '../../guard/guard.ts'
import { beginHearing } from '../../guard/hearing.ts'
import { beginPairing } from '../../guard/pairs.ts'
import { beginOrder } from '../../guard/reorder.ts'
import { errors, noon, rulesOf } from '../../guard/testing.ts'
import { beginWatch } from '../../guard/watch.ts'
import type { SignalVerdict } from '../../verification/signals/signal.ts'
import { advanceWatch, isWaiting } from './advance.ts'
import type { Opinion } from './opinions.ts'
import type { Watch } from '../store.ts'

const last = {
  run: 'run',
  services: { s: { assigned: 0, replicas: {}, table: { environments: {} } } },
} as unknown as GatewayState
const thumbs: YesNoRules = { ...errors, name: 'feedback', from: 'feedback' }
const validity: YesNoRules = { ...errors, name: 'validity', from: 'answer' }

/** Half of the traffic is drawn to the new version. */
function begun(sticky: boolean): Watch {
  const taken = [{ name: 'validity', kind: 'yesNo' as const }]
  const line = { run: 'run', next: 0, perSecond: 0, waitMs: 75_000 }
  return {
    service: 's',
    watch: beginWatch(rulesOf(errors, thumbs, validity), null, false),
    order: beginOrder('run', 0, { width: drawnWidth }),
    instances: [],
    twice: null,
    drawn: { old: 'r1', sticky },
    said: {
      id: 'reading',
      signals: taken,
      hearing: beginHearing(taken, { ...line, pairs: false }),
    },
    opinions: { after: 0, shares: {} },
  }
}

const seen = (seq: number, release: string) =>
  ({
    service: 's',
    release,
    replica: `${release}-a`,
    generation: 3,
    seq,
    at: noon,
    outcome: 'ok',
    status: 200,
    firstByteMs: 5,
    totalMs: 10,
    share: 0.5,
    client: 1 + seq,
    heard: true,
  }) as Observation

const opinion = (
  release: string,
  answeredAt: number,
  { value = false, client = 0 }: { value?: boolean; client?: number } = {},
): Opinion => ({
  signal: 'feedback',
  release,
  generation: 3,
  client,
  answeredAt,
  value,
})

const verdict = (seq: number, more: Partial<SignalVerdict> = {}) =>
  ({
    id: 'reading',
    service: 's',
    run: 'run',
    release: 'r2',
    replica: 'r2-a',
    generation: 3,
    seq,
    isCopy: false,
    share: 0.5,
    client: 1 + seq,
    values: { validity: false },
    ...more,
  }) as SignalVerdict

const arrived = (more: Partial<Parameters<typeof advanceWatch>[2]>) => ({
  run: 'run',
  items: [],
  at: noon,
  last,
  ...more,
})
const signal = ({ watch }: Watch, name: string) =>
  decide(watch, noon).evidence.signals.find((one) => one.signal === name)!
const judgedOf = (watch: Watch, name: string) =>
  Object.values(signal(watch, name).judged).reduce((sum, count) => sum + count, 0)

test('what people say is judged by the draw of its answer, up to the last one taken; of other releases nothing is', () => {
  const items = [seen(0, 'r2'), seen(1, 'r1')]
  const opinions = [opinion('r2', 1000), opinion('r1', 2000), opinion('r0', 3000)]
  const watch = advanceWatch(begun(false), 'r2', arrived({ items, opinions }))
  assert.equal(judgedOf(watch, 'feedback'), 2)
  assert.equal(signal(watch, 'feedback').design, 'split')
  // What is due next begins after all of them: nothing is taken twice.
  assert.equal(watch.opinions!.after, 3000)
  assert.equal(judgedOf(watch, 'errors'), 2)
})

test('where clients stick to a version, each counts once: fifty opinions of one client are one, fifty clients are fifty', () => {
  const items = [seen(0, 'r2'), seen(1, 'r1')]
  const said = (clientOf: (at: number) => number) =>
    advanceWatch(
      begun(true),
      'r2',
      arrived({
        items,
        opinions: Array.from({ length: 50 }, (_, at) =>
          opinion('r2', 1000 + at, { value: true, client: clientOf(at) }),
        ),
      }),
    )
  const one = said(() => 7)
  assert.equal(judgedOf(one, 'feedback'), 1)
  assert.equal(one.opinions!.after, 1049)
  const many = said((at) => 100 + at)
  assert.equal(judgedOf(many, 'feedback'), 50)
  assert.ok(signal(many, 'feedback').rollbackEvidence > signal(one, 'feedback').rollbackEvidence)
  // Once more, after a crash or a later batch: still one.
  const again = advanceWatch(one, 'r2', arrived({ opinions: [opinion('r2', 2000, { client: 7 })] }))
  assert.equal(judgedOf(again, 'feedback'), 1)
})

test('a client that says not who it is has no part in the draw: what it says of the old version is not compared', () => {
  const items = [seen(0, 'r2'), seen(1, 'r1')]
  const opinions = [opinion('r1', 1000), opinion('r1', 1001, { client: 9 })]
  assert.equal(
    judgedOf(advanceWatch(begun(true), 'r2', arrived({ items, opinions })), 'feedback'),
    1,
  )
})

test('once all traffic has moved, what clients who stuck say counts again', () => {
  const items = [{ ...seen(0, 'r2'), share: undefined } as unknown as Observation]
  const watch = advanceWatch(
    begun(true),
    'r2',
    arrived({ items, opinions: [opinion('r2', 1000), opinion('r2', 1001)] }),
  )
  assert.equal(judgedOf(watch, 'feedback'), 2)
})

test('what the examiner says counts once, by the reading of this release, and not of another service or release', () => {
  const items = [0, 1, 2, 3].map((seq) => seen(seq, 'r2'))
  const verdicts = [
    verdict(0),
    verdict(0, { values: { validity: true } }),
    verdict(1, { id: 'another reading' }),
    verdict(2, { service: 'other' }),
    verdict(3, { release: 'r0' }),
  ]
  const first = advanceWatch(begun(false), 'r2', arrived({ items, verdicts }))
  assert.equal(judgedOf(first, 'validity'), 1)
  const again = advanceWatch(first, 'r2', arrived({ verdicts }))
  assert.equal(judgedOf(again, 'validity'), 1)
  assert.equal(signal(again, 'validity').said, '0 bad ones (validity) in 1 answers')
  // Of the others nothing is ever heard: void, neither good nor bad.
  const late = advanceWatch(again, 'r2', arrived({ at: noon + 20_000 }))
  assert.equal(judgedOf(late, 'validity'), 1)
  assert.deepEqual([late.watch.said.void, late.watch.said.total], [3, 1])
})

test('a required signal of which nothing is ever said holds the watch, by name', () => {
  let watch = begun(false)
  for (let from = 0; from < 6000; from += 100) {
    const items = Array.from({ length: 100 }, (_, k) => ({
      ...seen(from + k, k % 2 === 0 ? 'r2' : 'r1'),
      heard: undefined,
    })) as unknown as Observation[]
    watch = advanceWatch(watch, 'r2', arrived({ items, at: noon + from }))
  }
  const { decision, because } = decide(watch.watch, noon + 1_000_000)
  assert.equal(decision, 'hold')
  assert.match(because, /feedback/)
  assert.match(because, /validity/)
  assert.equal(signal(watch, 'errors').promotionEvidence, 1)
})

test('a range that the gateway dropped holds up nothing of what is said, singly or in pairs', () => {
  const pairOf = (seq: number) => [
    { ...seen(seq, 'r2'), copied: true as const },
    { ...seen(seq, 'r1'), isCopy: true as const },
  ]
  const saidOf = (seq: number) => [
    verdict(seq),
    verdict(seq, { release: 'r1', replica: 'r1-a', isCopy: true }),
  ]
  const line = { run: 'run', next: 0, perSecond: 0, waitMs: 75_000 }
  const taken = [{ name: 'validity', kind: 'yesNo' as const }]
  const control: Watch = {
    ...begun(false),
    drawn: null,
    twice: {
      old: 'r1',
      pairing: beginPairing('run', 0, { perSecond: 0 }),
      coverage: beginCoverage(),
    },
    said: { id: 'reading', signals: taken, hearing: beginHearing(taken, { ...line, pairs: true }) },
  }
  const gaps = [{ service: 's', count: 5, from: 2, to: 7 }]
  const at = (seqs: number[]) =>
    arrived({ items: seqs.flatMap(pairOf), verdicts: seqs.flatMap(saidOf) })
  const before = advanceWatch(control, 'r2', at([0, 1]))
  const watch = advanceWatch(before, 'r2', { ...at([7, 8]), gaps })
  // Pairs count from the first request on that no other design has judged.
  assert.equal(signal(watch, 'validity').judged['paired'], 2)
  assert.equal(watch.watch.said.void, 5)
  assert.equal(isWaiting(watch), false)
})
