/** A release as a trace: itself, its phases and its gates, by ids that a restart does not change. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../../storage/events.ts'
import type { Span } from '../../telemetry/otlp.ts'
import { spansOf } from './release-spans.ts'
import { journal, releaseOf, since, switched } from '../testing/hands.ts'
import { openTraces } from './traces.ts'

const release = releaseOf({ name: 'rejected', since, because: 'goldenSet said fail' })
const at = release.at

function record(): Event[] {
  const one = (id: number, seconds: number, kind: string, data: Record<string, unknown>) => ({
    id,
    at: at + seconds * 1000,
    service: 'tiny',
    release: 'r2',
    kind,
    by: 'beryl',
    text: `${kind} said so`,
    data,
  })
  return [
    one(1, 0, 'command', { command: 'deploy' }),
    one(2, 1, 'phase', { phase: 'provisioning', because: 'nothing else' }),
    one(3, 4, 'phase', { phase: 'verifying', because: 'ready' }),
    one(4, 6, 'gate', { gate: 'warmUp', verdict: 'pass' }),
    one(5, 9, 'gate', { gate: 'goldenSet', verdict: 'fail' }),
    one(6, 9, 'phase', { phase: 'clearing', because: 'goldenSet said fail' }),
    one(7, 10, 'phase', { phase: 'rejected', because: 'goldenSet said fail' }),
  ]
}

test('phases and gates are told when they end, within the release, and the release when it ends', () => {
  const events = record()
  const spans = events.flatMap((event) => spansOf(event, release, events))
  const told = spans.map(({ name, from, to, failed }) => [
    name,
    (from - at) / 1000,
    (to - at) / 1000,
    failed,
  ])
  assert.deepEqual(told, [
    ['queued', 0, 1, null],
    ['provisioning', 1, 4, null],
    ['gate warmUp', 4, 6, null],
    ['gate goldenSet', 6, 9, 'gate said so'],
    ['verifying', 4, 9, null],
    ['clearing', 9, 10, null],
    ['deploy tiny', 0, 10, 'goldenSet said fail'],
  ])
  const byName = new Map(spans.map((span) => [span.name, span]))
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1)
  assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length)
  const root = byName.get('deploy tiny')!
  assert.equal(root.parentId, null)
  assert.equal(byName.get('verifying')!.parentId, root.spanId)
  assert.equal(byName.get('gate goldenSet')!.parentId, byName.get('verifying')!.spanId)
  assert.match(root.traceId, /^[\da-f]{32}$/)
  // As another controller would, from the same record.
  assert.deepEqual(spansOf(events[6]!, release, events), spans.slice(-2))
})

test('what is written is told once, and what was written before anybody told is left to the record', async () => {
  const { store } = journal(switched(release))
  const event = (text: string) =>
    store.events.add({
      at: at + 1000,
      service: 'tiny',
      release: 'r2',
      kind: 'phase',
      by: 'beryl',
      text,
      data: { phase: 'warming', because: '' },
    })
  event('before')
  const spans: Span[] = []
  const exporter = {
    add: (some: readonly Span[]) => void spans.push(...some),
    stop: async () => {},
  }
  const traces = openTraces({ exporter, store, releaseOf: () => release })
  traces.look()
  assert.equal(spans.length, 0)
  event('after')
  traces.look()
  traces.look()
  assert.equal(spans.length, 1)
  await traces.stop()
  assert.equal(spans.length, 1)
})
