import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CostView } from '../../api/shapes.ts'
import { costText } from './cost.ts'

const none = { replicaHours: 0, money: null, currency: null, over: 0, share: null }
const added = { replicaHours: 4, money: 8.4, currency: 'USD', over: 40, share: 0.1 }
const view: CostView = {
  service: 'chat',
  currency: 'USD',
  lines: [
    {
      release: 'r2',
      version: 'v2',
      environment: 'green',
      role: 'candidate',
      spot: true,
      replicaHours: 4,
      money: 8.4,
      currency: 'USD',
    },
  ],
  releases: [
    {
      release: 'r2',
      version: 'v2',
      replicaHours: 4,
      money: 8.4,
      currency: 'USD',
      hours: { live: 0, candidate: 4, standby: 0 },
      added,
      requests: { mirrored: 120, replayed: 0, judged: 160, golden: 40, load: 900 },
      tokens: { asked: 500, written: 90, estimated: 12, askedNotKnown: 3, writtenNotKnown: 1 },
      judgeTokens: { asked: 70, written: 9, estimated: 0, askedNotKnown: 0, writtenNotKnown: 0 },
    },
  ],
  rungs: [
    {
      release: 'r2',
      rung: 'asleep',
      hours: 5,
      kept: { replicaHours: 20, money: 20, currency: 'USD' },
      saved: { replicaHours: 0, money: 22, currency: 'USD' },
    },
    {
      release: 'r2',
      rung: '1 replica',
      hours: 12,
      kept: { replicaHours: 12, money: 25.2, currency: 'USD' },
      saved: { replicaHours: 12, money: 25.2, currency: 'USD' },
    },
  ],
  total: { replicaHours: 44, money: 92.4, currency: 'USD' },
  spot: { replicaHours: 4, money: 2.8, currency: 'USD', saved: 5.6 },
  added,
  last30Days: { from: 0, total: { replicaHours: 0, money: null, currency: null }, added: none },
  months: [
    {
      month: '2026-11',
      total: { replicaHours: 44, money: 92.4, currency: 'USD' },
      added,
      savedHours: 12,
    },
  ],
  unpricedHours: 0,
  gaps: [],
}

test('the ledger says what was paid for, and what blue-green added', () => {
  assert.equal(
    costText(view),
    `chat  44.0 replica-hours, 92.40 USD in all
  r2  v2  green  candidate, spot  4.000 replica-hours  8.40 USD
  spot capacity: 4.000 replica-hours, 2.80 USD; it saved 5.60 USD against on demand
  what blue-green added over a single environment
    r2       4.000 replica-hours, 8.40 USD: +10 % on 40.0 replica-hours
    30 days  nothing
    in all   4.000 replica-hours, 8.40 USD: +10 % on 40.0 replica-hours
    2026-11  4.000 replica-hours, 8.40 USD: +10 % on 40.0 replica-hours; lower rungs saved 12.0 replica-hours
  what each rung of a standby kept, and saved
    r2  asleep     5.00 h  kept 20.0 replica-hours, 20.00 USD  saved 0.000 replica-hours, 22.00 USD
    r2  1 replica  12.0 h  kept 12.0 replica-hours, 25.20 USD  saved 12.0 replica-hours, 25.20 USD
  requests beside those of clients
    r2  120 mirrored  0 replayed  160 judged  40 of golden sets  900 of load
  tokens beside those of clients
    r2  its versions  500 asked, 90 written (12 of them estimated from streams); not known of 3 requests and 1 answer
    r2  judges        70 asked, 9 written`,
  )
})

test('a few seconds are not nothing', () => {
  const line = { ...view.lines[0]!, replicaHours: 0.0004, money: 0.0012 }
  const text = costText({ ...view, lines: [line] })
  assert.match(text, /candidate, spot {2}under 0\.001 replica-hours {2}0\.0012 USD$/m)
})

test('a model in a pool stands on a line of its own, in hours of its place', () => {
  const own = { replicaHours: 0, placeHours: 4, money: 2, currency: 'USD' }
  const line = { ...view.lines[0]!, role: 'standby' as const, pool: 'spare', ...own }
  const total = { ...own, replicaHours: 40, money: 82 }
  const text = costText({ ...view, total, lines: [view.lines[0]!, line] })
  assert.match(text, /^chat {2}40\.0 replica-hours and 4\.000 place-hours, 82\.00 USD in all/)
  assert.match(text, /standby in spare {2}4\.000 place-hours +2\.00 USD$/m)
})

test('what is missing is said: a price, one currency, and the time when nobody looked', () => {
  const gaps = [{ from: 0, to: 3_600_000, replicas: 2, replicaHours: 2 }]
  const total = { replicaHours: 44, money: null, currency: null }
  const text = costText({ ...view, currency: null, total, unpricedHours: 3, gaps })
  assert.match(text, /no price {4}for 3\.000 replica-hours: environment\.price/)
  assert.match(text, /no sum {6}the prices are in more than one currency/)
  assert.match(
    text,
    /not known {3}1970-01-01 00:00:00 to 1970-01-01 01:00:00: .*2 replicas again; up to 2\.000/,
  )
  assert.equal(costText({ ...view, lines: [] }), 'chat  nothing has run yet')
})
