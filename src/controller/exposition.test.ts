import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GatewayMetrics } from '../gateway/control.ts'
import { addTo, bucketsS, emptyRow } from '../gateway/counts.ts'
import { exposition } from './exposition.ts'

function metricsWith(version: string): GatewayMetrics {
  const row = emptyRow({ service: 'chat', environment: 'blue', version })
  row.statuses = { 200: 2, 503: 1 }
  row.outcomes = { ok: 2, 'error-status': 1 }
  for (const ms of [3, 3, 400_000]) row.totals.sumS = addTo(row.totals, ms)
  const places = { blue: 1, green: 0 }
  return {
    run: 'r',
    workers: 2,
    services: { chat: { generation: 7, inFlight: places, waiting: places, assigned: 3, void: 0 } },
    rows: [row],
    refused: { 'no-route': 4 },
    unreadable: { 400: 1 },
    copies: { 'chat sent': 5, 'chat too-many': 2 },
    taps: { 'chat sent': 6, 'chat too-large': 1 },
    ejections: { 'chat blue': 1 },
    accessDropped: 0,
  }
}

/** Each line is as the format says: a comment, or name, labels and value. */
const line =
  /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_:][a-z0-9_:]*(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (?:[0-9.e+-]+|\+Inf|NaN))$/

test('every line follows the text format, each family stands once, and the last line is ended', () => {
  const text = exposition(metricsWith('v1'))
  assert.ok(text.endsWith('\n'))
  const lines = text.slice(0, -1).split('\n')
  assert.deepEqual(
    lines.filter((one) => !line.test(one)),
    [],
  )
  const types = lines.filter((one) => one.startsWith('# TYPE')).map((one) => one.split(' ')[2])
  assert.equal(new Set(types).size, types.length)
})

test('labels are escaped: a version cannot write lines of its own', () => {
  const text = exposition(metricsWith('v"1\\\nbad 1'))
  assert.ok(text.includes('version="v\\"1\\\\\\nbad 1"'))
  assert.ok(text.split('\n').every((one) => one === '' || line.test(one)))
})

test('buckets count all that took no longer, and the last one counts everything', () => {
  const text = exposition(metricsWith('v1'))
  const of = (le: string) =>
    Number(
      new RegExp(`beryl_request_seconds_bucket\\{.*le="${le.replace('+', '\\+')}"\\} (\\d+)`).exec(
        text,
      )![1],
    )
  assert.deepEqual(
    [of('0.0025'), of('0.005'), of(String(bucketsS.at(-1))), of('+Inf')],
    [0, 2, 2, 3],
  )
  assert.match(text, /beryl_request_seconds_count\{.*\} 3\n/)
  assert.match(text, /beryl_request_seconds_sum\{.*\} 400.006\n/)
})

test('copies, refusals and what could not be read are told apart by what became of them', () => {
  const text = exposition(metricsWith('v1'))
  assert.ok(text.includes('beryl_copies_total{service="chat",result="too-many"} 2\n'))
  assert.ok(text.includes('beryl_refused_total{code="no-route"} 4\n'))
  assert.ok(text.includes('beryl_unreadable_total{status="400"} 1\n'))
})
