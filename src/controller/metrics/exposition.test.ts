import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { GatewayMetrics } from '../../gateway/control.ts'
import { addTo, bucketsS, emptyRow } from '../../gateway/counts.ts'
import { releaseView, serviceView } from '../../dashboard/browser/testing.ts'
import { exposition } from './exposition.ts'
import type { Format } from './exposition.ts'
import { gatewayFamilies } from './gateway-families.ts'
import { openMetrics } from './metrics.ts'
import { serviceFamilies } from './service-families.ts'

function metricsWith(version: string): GatewayMetrics {
  const row = emptyRow({ service: 'chat', environment: 'blue', version })
  row.statuses = { 200: 2, 503: 1 }
  row.outcomes = { ok: 2, 'error-status': 1 }
  for (const ms of [3, 3, 400_000]) row.totals.sumS = addTo(row.totals, ms)
  const places = { blue: 1, green: 0 }
  return {
    run: 'r',
    inherited: [],
    workers: 2,
    services: { chat: { generation: 7, inFlight: places, waiting: places, assigned: 3, void: 0 } },
    rows: [row],
    refused: { 'no-route': 4 },
    unreadable: { 400: 1 },
    copies: { 'chat sent': 5, 'chat too-many': 2 },
    taps: { 'chat sent': 6, 'chat too-large': 1 },
    ejections: { 'chat blue': 1 },
    accessDropped: 0,
    spans: { sent: 7, dropped: 1 },
  }
}

const textOf = (metrics: GatewayMetrics, format: Format = 'text') =>
  exposition(gatewayFamilies(metrics), format)

/** Each line is as the format says: a comment, or name, labels and value. */
const line =
  /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_:][a-z0-9_:]*(?:\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? (?:[0-9.e+-]+|\+Inf|NaN))$/

test('every line follows the text format, each family stands once, and the last line is ended', () => {
  const text = textOf(metricsWith('v1'))
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
  const text = textOf(metricsWith('v"1\\\nbad 1'))
  assert.ok(text.includes('version="v\\"1\\\\\\nbad 1"'))
  assert.ok(text.split('\n').every((one) => one === '' || line.test(one)))
})

test('buckets count all that took no longer, and the last one counts everything', () => {
  const text = textOf(metricsWith('v1'))
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
  const text = textOf(metricsWith('v1'))
  assert.ok(text.includes('beryl_copies_total{service="chat",result="too-many"} 2\n'))
  assert.ok(text.includes('beryl_refused_total{code="no-route"} 4\n'))
  assert.ok(text.includes('beryl_unreadable_total{status="400"} 1\n'))
})

const at = 1_800_000_000_000
const cost = {
  service: 'chat',
  lines: [
    { role: 'live', replicaHours: 3, money: 6, currency: 'USD' },
    { role: 'standby', replicaHours: 1, money: 2, currency: 'USD' },
    { role: 'live', replicaHours: 1, money: 2, currency: 'USD' },
  ],
  total: { replicaHours: 5, money: 10, currency: 'USD' },
  added: { replicaHours: 1, money: 2, currency: 'USD', over: 4, share: 0.25 },
} as never

const servicesText = (change = {}, format: Format = 'text') =>
  exposition(
    serviceFamilies([serviceView(change)], { now: at + 64_000, costs: new Map([['chat', cost]]) }),
    format,
  )

test('releases, gates, evidence, ladder and cost are told as the views say them', () => {
  const text = servicesText({
    wayBack: {
      possible: true,
      because: '',
      rung: 'asleep',
      measuredMs: 41_000,
      drilledAt: at,
      drillFailed: null,
      weakened: null,
    },
  })
  for (const expected of [
    'beryl_live_info{service="chat",environment="green",version="v2"} 1',
    'beryl_release_phase_info{service="chat",release="r2",version="v2",kind="deploy",phase="watching"} 1',
    'beryl_release_phase_seconds{service="chat",release="r2",phase="watching"} 60',
    'beryl_gate_verdict_info{service="chat",release="r2",gate="goldenSet",verdict="pass"} 1',
    'beryl_evidence_ratio{service="chat",release="r2",signal="errors",towards="rollback"} 0.1',
    'beryl_evidence_ratio{service="chat",release="r2",signal="errors",towards="promotion"} 0.6',
    'beryl_standby_info{service="chat",environment="blue",version="v1",rung="full"} 1',
    'beryl_way_back{service="chat"} 1',
    'beryl_way_back_seconds{service="chat"} 41',
    `beryl_way_back_drilled_timestamp_seconds{service="chat"} ${at / 1000}`,
    'beryl_replica_seconds_total{service="chat",role="live",capacity="on-demand"} 14400',
    'beryl_cost_total{service="chat",currency="USD"} 10',
    'beryl_added_cost_total{service="chat",currency="USD"} 2',
    'beryl_replicas{service="chat",environment="blue",state="ready"} 1',
  ])
    assert.ok(text.includes(`${expected}\n`), expected)
  assert.ok(text.split('\n').every((one) => one === '' || line.test(one)))
})

test('OpenMetrics names a family of counters without the suffix, and ends', () => {
  const text = servicesText({}, 'openmetrics')
  assert.match(text, /# TYPE beryl_cost counter\nberyl_cost_total\{/)
  assert.ok(text.endsWith('\n# EOF\n'))
  assert.doesNotMatch(servicesText(), /EOF/)
})

test('without a release and a way back nothing is made up', () => {
  const text = servicesText({
    release: null,
    standby: null,
    wayBack: { possible: false, because: 'none', measuredMs: null, drilledAt: null },
  })
  assert.doesNotMatch(text, /beryl_(release_phase|evidence|way_back_seconds|standby)/)
  assert.ok(text.includes('beryl_way_back{service="chat"} 0\n'))
})

test('a gateway that does not answer takes no other metric with it; ends and moves are counted from 0', async () => {
  let event = 0
  const counts: unknown[] = []
  const metrics = openMetrics({
    store: {
      events: { last: () => event, counts: () => ({ last: ++event, all: counts.splice(0) }) },
    } as never,
    gateway: { metrics: () => Promise.reject(new Error('not there')) },
    services: () => [serviceView({ release: releaseView() })],
    costOf: () => cost,
    notifications: { view: () => ({ receivers: [], dead: [] }) },
    now: () => at,
  })
  const first = await metrics('text')
  assert.ok(first.includes('beryl_gateway_up 0\n'))
  assert.ok(first.includes('beryl_traffic_moves_total{service="chat",change="rollback"} 0\n'))
  const one = { service: 'chat', phase: null, change: null, verdict: null, count: 2 }
  counts.push(
    { ...one, kind: 'routing', change: 'rollback' },
    { ...one, kind: 'phase', phase: 'rejected' },
    { ...one, kind: 'phase', phase: 'watching' },
    { ...one, kind: 'gate', verdict: 'undecided' },
  )
  await metrics('text')
  const text = await metrics('text')
  assert.ok(text.includes('beryl_traffic_moves_total{service="chat",change="rollback"} 2\n'))
  assert.ok(text.includes('beryl_releases_total{service="chat",end="rejected"} 2\n'))
  assert.ok(text.includes('beryl_gate_verdicts_total{service="chat",verdict="undecided"} 2\n'))
})

/** With everything there that can be told of. */
async function toldAtMost(): Promise<string> {
  const { green } = serviceView().environments
  const spot = { lost: 1, short: false, noticed: false }
  const onSpot = { ...green, replicas: green.replicas.map((one) => ({ ...one, spot })) }
  const metrics = openMetrics({
    store: { events: { last: () => 0, counts: () => ({ last: 0, all: [] }) } } as never,
    gateway: { metrics: () => Promise.resolve(metricsWith('v1')) },
    services: () => [
      serviceView({
        environments: { ...serviceView().environments, green: onSpot },
        wayBack: {
          possible: true,
          because: '',
          rung: 'full',
          measuredMs: 4,
          drilledAt: at,
          drillFailed: null,
          weakened: null,
        },
      }),
    ],
    costOf: () => cost,
    notifications: {
      view: () => ({
        receivers: [{ id: 'a', to: 'http://a', waiting: 0 } as never],
        dead: [],
      }),
    },
    now: () => at,
  })
  return metrics('text')
}

test('every metric that the dashboard of Grafana and the alert rules name is one that Beryl tells', async () => {
  const told = new Set((await toldAtMost()).match(/^beryl_\w+/gm))
  for (const file of ['alerts.yaml', 'grafana.json']) {
    const text = readFileSync(
      new URL(`../../../examples/observability/${file}`, import.meta.url),
      'utf8',
    )
    const named = new Set(text.match(/\bberyl_\w+/g))
    assert.ok(named.size > 8, file)
    assert.deepEqual(
      [...named].filter((name) => !told.has(name)),
      [],
      file,
    )
  }
})

test('docs/observe.md names every metric that Beryl tells, and no other', async () => {
  const told = [...(await toldAtMost()).matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name!)
  const page = readFileSync(new URL('../../../docs/observe.md', import.meta.url), 'utf8')
  const named = page.match(/(?<=`)beryl_[a-z_]+(?=`)/g)!
  assert.deepEqual([...new Set(named)].toSorted(), told.toSorted())
})
