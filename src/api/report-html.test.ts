/** The page of a release: whole, and nothing that came from outside is more than text in it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, ReleaseView } from './shapes.ts'
import { reportHtml } from './report-html.ts'

const evil = `</td><script>alert("1")</script><img src=x onerror='alert(2)'>&amp;`
const at = 1_700_000_000_000
const release: ReleaseView = {
  id: 'r7',
  service: evil,
  kind: 'deploy',
  version: evil,
  alias: null,
  digest: 'sha256:00',
  from: evil,
  by: evil,
  at,
  phase: 'rolled-back',
  since: { wall: at, up: 1 },
  waitingFor: null,
  because: evil,
  endsAs: 'rolled-back',
  paused: null,
  gates: [
    {
      name: evil,
      state: 'decided',
      attempt: 1,
      at,
      verdict: 'pass',
      because: evil,
      evidence: {
        worst: evil,
        examples: [{ request: evil, live: 'right', candidate: { label: evil }, at: '$.label' }],
        held: { perSecond: 50, p95Ms: 20 },
        climbed: [{ perSecond: 100, p95Ms: 40.4 }, evil],
      },
    },
    { name: 'load', state: 'running', attempt: 1 },
  ],
  leftOut: [{ name: 'shadow', because: evil }],
  approvals: [{ by: evil, at }],
  switched: { at, tookMs: 4, generation: 3 },
  rolledBack: { at, tookMs: 2, detectMs: 100, by: 'guard', why: evil },
  watch: {
    decision: 'rollBack',
    because: evil,
    missing: null,
    replace: [],
    evidence: {
      rollbackEvidence: 1,
      promotionEvidence: 0.2,
      strongest: 'errors',
      falseRollbackRisk: 0.01,
      badPromotionRisk: 0.05,
      total: 100,
      bad: 10,
      gone: 0,
      void: 0,
      perSecond: 5,
      setAside: 0,
      signals: [
        {
          signal: 'errors',
          required: true,
          weight: 1,
          design: 'paired',
          comparedWith: evil,
          said: evil,
          judged: { paired: 100 },
          rollbackEvidence: 1,
          promotionEvidence: null,
          toSee: null,
          toClear: null,
          worseByAtLeast: 0.1,
          worseByAtMost: 0.3,
        },
      ],
      instances: [],
    },
  },
  feedback: [{ kind: 'thumbs', count: 3, mean: 0.5 }],
  cost: { replicaHours: 1.5, money: 3, currency: 'USD' },
} as unknown as ReleaseView

const events: Event[] = ['provisioning', 'watching', 'rolled-back'].map((phase, index) => ({
  id: index,
  at: at + index * 60_000,
  service: 'chat',
  release: 'r7',
  kind: 'phase',
  by: evil,
  text: evil,
  data: { phase, because: evil },
}))

test('what came from outside is text, and nothing else, wherever it stands', () => {
  const page = reportHtml({ release, events })
  assert.doesNotMatch(page, /<script|<img|onerror='|<\/td><\/script/)
  assert.equal(page.match(/&lt;script&gt;/g)!.length > 10, true)
  assert.match(page, /default-src 'none'/)
})

test('verdicts, evidence, times, cost and the record are on it', () => {
  const page = reportHtml({ release, events })
  for (const part of [
    'rolled back',
    'in 2.0 ms, by guard',
    'left out',
    '1.500 replica-hours = 3.00 USD',
    '100 % of what is needed',
    'not by this comparison',
    'at most 1 % of releases',
    '60.0 s',
    'thumbs',
  ])
    assert.ok(page.includes(part), part)
  const open = page.match(/<(table|tr|td|th|section|details|main)\b/g)!.length
  const closed = page.match(/<\/(table|tr|td|th|section|details|main)>/g)!.length
  assert.equal(open, closed)
})

test('a release that has only been asked for has a page too', () => {
  const page = reportHtml({
    release: { ...release, gates: [], leftOut: [], watch: null, cost: null, switched: null },
    events: [],
  })
  assert.match(page, /It has not begun/)
})

test('the worst answers stand side by side, and a bar for each rate of a load', () => {
  const page = reportHtml({ release, events: [] })
  assert.match(page, /1 of 1 examples/)
  assert.match(page, /<th>request<\/th><th>live<\/th><th>candidate<\/th><th>where<\/th>/)
  assert.match(page, /<td>right<\/td>/)
  assert.match(page, /<td>50\/s<\/td><td><svg[^>]*><rect width="79"/)
  assert.match(page, /<td>100\/s<\/td><td><svg[^>]*><rect width="160".*?<td>40 ms<\/td>/)
})
