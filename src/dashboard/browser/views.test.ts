/** Pages as text: what comes from outside stays text, and what is said by a colour is said in words too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { ReleaseActions, ServiceActions } from './actions.ts'
import { Ledger } from './cost-page.ts'
import { ReleaseCharts } from './curves.ts'
import { Disagreements } from './disagreements.ts'
import { Evidence } from './evidence.ts'
import { Frozen, WayBack, wayBackText } from './facts.ts'
import { Gates } from './gates.ts'
import { History } from './history.ts'
import { html } from './html.ts'
import { Lanes } from './lanes.ts'
import { services } from './live.ts'
import { Overview } from './overview.ts'
import { PhaseText, ReleaseLine, Spoken } from './release-line.ts'
import { releaseSeenBy, serviceSeenBy } from '../../api/seen-by.ts'
import { at, releaseView, serviceView } from './testing.ts'
import { Aliases, Versions } from './versions-page.ts'

const text = (node: VNode<any>) => renderToString(node).replace(/>\s+/g, '>').replace(/\s+</g, '<')
const words = (node: VNode<any>) =>
  text(node)
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')

const evil = `<img src=x onerror=alert(1)>'"\`</script><script>alert(2)</script>`

test('script in a name, a reason, a verdict or a problem is shown as text', () => {
  const gate = {
    ...releaseView().gates[0]!,
    because: `${evil}\n${evil}`,
    verdict: 'fail',
    name: evil,
  }
  const release = releaseView({
    version: evil,
    from: evil,
    by: evil,
    waitingFor: evil,
    paused: { by: evil, at: 0, because: evil },
    gates: [gate as never],
    leftOut: [{ name: evil, because: evil }],
  })
  const environment = { ...serviceView().environments.green, version: evil, role: 'live' as const }
  const service = serviceView({
    service: evil,
    url: `javascript:${evil}`,
    release,
    environments: { blue: environment, green: environment },
    problems: [evil],
    frozen: [{ service: null, by: evil, reason: evil, at: 0, until: null }],
  })
  services.value = [service]
  for (const node of [
    html`<${Overview} />`,
    html`<${Lanes} service=${service} />`,
    html`<${PhaseText} release=${release} />`,
    html`<${ReleaseLine} release=${release} />`,
    html`<${Gates} release=${release} />`,
    html`<${History} releases=${[release]} />`,
    html`<${Frozen} service=${service} />`,
    html`<${ServiceActions} service=${{ ...service, can: { ...service.can, abort: evil } }} />`,
  ]) {
    const page = text(node)
    assert.doesNotMatch(page, /<img|<script|href="javascript/)
  }
  services.value = null
})

test('each place is told by its name, its role and its place in the order, not by its colour', () => {
  const page = words(html`<${Lanes} service=${serviceView()} />`)
  assert.match(
    page,
    /blue standby v1 .*1 of 1 replica ready.* green live v2 .* 0\.63 % of 480 answers/,
  )
})

test('what may not be asked for is greyed, reachable by keyboard, and says why', () => {
  const page = text(html`<${ServiceActions} service=${serviceView()} />`)
  assert.match(page, /aria-disabled="true"[^>]*aria-describedby="why-abort"/)
  assert.match(page, /id="why-abort"[^>]*>abort is not possible: r2 is watching</)
  assert.match(page, /aria-disabled="false"[^>]*>Roll back</)
  assert.doesNotMatch(page, /\sdisabled/)
})

test('what a role may never ask for is greyed with that reason, a deploy too', () => {
  const viewed = serviceSeenBy('viewer', serviceView())
  const page = text(html`<${ServiceActions} service=${viewed} />`)
  assert.doesNotMatch(page, /aria-disabled="false"/)
  for (const command of ['deploy', 'approve', 'promote', 'pause', 'abort', 'rollback'])
    assert.match(
      page,
      new RegExp(
        `id="why-${command}"[^>]*>you are signed in as viewer: ${command} needs the role operator<`,
      ),
    )
  const release = text(
    html`<${ReleaseActions} service=${viewed} release=${releaseSeenBy('viewer', releaseView())} />`,
  )
  assert.doesNotMatch(release, /aria-disabled="false"/)
  const operated = serviceSeenBy('operator', serviceView())
  assert.match(
    text(html`<${ServiceActions} service=${operated} />`),
    /aria-disabled="false"[^>]*>Deploy/,
  )
})

test('where a release is, is told to screen readers when it changes, and what a person must do', () => {
  const page = (change = {}) => text(html`<${Spoken} release=${releaseView(change)} />`)
  assert.match(page(), /aria-live="polite">r2 is watching<\/p>/)
  const waiting = page({ phase: 'awaiting-approval', waitingFor: 'approval by a person' })
  assert.match(
    waiting,
    /aria-live="polite">r2 is awaiting-approval, waits for approval by a person</,
  )
  assert.match(text(html`<${ReleaseLine} release=${releaseView()} />`), /aria-current="step"/)
})

test('evidence is a figure that can be read aloud, against the line that it must cross', () => {
  const page = text(html`<${Evidence} release=${releaseView()} />`)
  assert.match(
    page,
    /role="meter"[^>]*aria-valuenow="60"[^>]*aria-label="errors: evidence that it is no worse, of what promotes"/,
  )
  assert.match(
    page,
    /3 errors in 480 answers, against the old version&#39;s answers|3 errors in 480 answers, against the old version's answers/,
  )
})

test('a gate that is shut can be skipped by whoever may approve; one that passed cannot', () => {
  const shut = { ...releaseView().gates[0]!, verdict: 'undecided' } as never
  const can = { ...releaseView().can, approve: null }
  const page = (change: object) => words(html`<${Gates} release=${releaseView(change)} />`)
  assert.match(page({ gates: [shut], can }), /goldenSet undecided .*Skip this gate/)
  assert.doesNotMatch(page({ can }), /Skip this gate/)
  assert.doesNotMatch(page({ gates: [shut] }), /Skip this gate/)
})

test('a viewer freezes nothing, and whoever may operate lifts what is frozen', () => {
  const frozen = [{ service: 'chat', by: 'ann', reason: 'holidays', at: 0, until: null }]
  const page = (service: ReturnType<typeof serviceView>) =>
    text(html`<${ServiceActions} service=${service} />`)
  assert.match(
    page(serviceSeenBy('viewer', serviceView({ frozen }))),
    /id="why-unfreeze"[^>]*>you are signed in as viewer: unfreeze needs the role operator</,
  )
  assert.match(page(serviceView({ frozen })), /aria-disabled="false">Lift the freeze …</)
  assert.match(page(serviceView()), /aria-disabled="false">Freeze …</)
  services.value = [serviceSeenBy('viewer', serviceView())]
  assert.match(text(html`<${Overview} />`), /aria-disabled="true"[^>]*>Freeze everything …/)
  services.value = null
})

test('a curve is named, says its last value, breaks where nobody looked, and lies beside the line it must cross', () => {
  const side = (which: 'new' | 'old', version: string, p95Ms: (number | null)[]) => ({
    side: which,
    version,
    answers: [10, null, 20],
    bad: [1, null, 0],
    copies: [0, null, 0],
    p50Ms: p95Ms,
    p95Ms,
  })
  const view = {
    everyMs: 1000,
    at: [0, 1000, 2000],
    sides: [side('new', 'v2', [10, null, 30]), side('old', 'v1', [20, null, 20])],
    evidence: [{ signal: 'errors', rollback: [0, 0.1, 0.2], promotion: [0.3, 0.6, 1] }],
    feedback: [
      { side: 'new' as const, kind: 'thumbs' as const, count: [1, 0, 2], mean: [1, null, 0.5] },
    ],
  }
  const page = text(
    html`<${ReleaseCharts} view=${view} release=${releaseView({ switched: null })} />`,
  )
  assert.match(
    page,
    /aria-label="Evidence: errors, [^"]*now it is worse \(rolls back\) 20 %, it is no worse \(promotes\) 100 %; the line that decides"/,
  )
  assert.match(page, /aria-label="Failed answers, [^"]*now v2 \(new\) 0 %, v1 \(old\) 0 %"/)
  assert.match(
    page,
    /aria-label="Latency, 95 % within, [^"]*now v2 \(new\) 30 ms, v1 \(old\) 20 ms"/,
  )
  assert.match(page, /aria-label="Feedback: thumbs, [^"]*v2 \(new\) 0\.50"/)
  assert.match(page, /class="drawn new" d="M0 [\d.]+h\.01M600 [\d.]+h\.01"/)
  assert.match(page, /Latency, 95 % within: as a table/)
})

test('the worst disagreements lie side by side, as text, whatever form the evidence has', () => {
  const gate = (name: string, examples: unknown) => ({
    ...releaseView().gates[0]!,
    name,
    evidence: { examples },
  })
  const release = releaseView({
    gates: [
      gate('shadow', [
        {
          id: evil,
          request: evil,
          at: '$.label',
          kind: 'x',
          live: 'cat',
          candidate: evil,
          liveAgain: 'cat',
        },
      ]),
      gate('goldenSet', [{ line: 7, request: 'q', expected: 'a', candidate: 'b', live: 'a' }]),
      gate('odd', [null, 3, { request: 1 }, 'text']),
      gate('none', 'nothing'),
    ] as never,
  })
  const page = text(html`<${Disagreements} release=${release} />`)
  assert.doesNotMatch(page, /<img|<script/)
  const read = words(html`<${Disagreements} release=${release} />`)
  assert.match(read, /v1 \(live\) cat v2 \(candidate\)/)
  assert.match(read, /Asked again, live said the same/)
  assert.match(read, /line 7 q expected a v1 \(live\) a v2 \(candidate\) b/)
  assert.doesNotMatch(read, /odd|none/)
})

test('versions, names and the ledger are tables that say what there is', () => {
  const line = {
    version: 'v1',
    digest: 'sha256:0123456789abcdef',
    registeredAt: 0,
    inManifest: false,
    notes: evil,
    expects: { exact: 0.9 },
    aliases: ['champion', 'live'],
    roles: ['live' as const],
  }
  const versions = html`<${Versions} versions=${[line]} />`
  assert.match(words(versions), /v1 live \(not in the manifest\) @champion, @live/)
  assert.doesNotMatch(text(versions), /<img|<script/)
  const change = { id: 1, name: 'champion', from: null, to: 'v1', at: 0, by: 'ann', reason: evil }
  const aliases = {
    service: 'chat',
    aliases: [{ name: 'champion', version: 'v1', computed: false }],
    history: [change],
    next: null,
  }
  assert.doesNotMatch(text(html`<${Aliases} aliases=${aliases} />`), /<img|<script/)
  const sum = { replicaHours: 2, money: 4, currency: 'USD' }
  const added = { ...sum, over: 8, share: 0.25 }
  const view = {
    service: 'chat',
    currency: 'USD',
    lines: [
      { release: 'r1', version: 'v1', environment: 'blue' as const, role: 'live' as const, ...sum },
    ],
    releases: [
      { release: 'r1', version: 'v1', ...sum, hours: { live: 2, candidate: 0, standby: 0 }, added },
    ],
    total: sum,
    spot: { replicaHours: 1, money: 0.5, currency: 'USD', saved: 1.5 },
    added,
    last30Days: { from: 0, total: sum, added },
    unpricedHours: 0,
    gaps: [],
  }
  assert.match(
    words(html`<${Ledger} view=${view} />`),
    /in all 2\.0 replica-hours = 4\.00 USD .*blue-green added 2\.0 replica-hours = 4\.00 USD: \+25 %/,
  )
  assert.match(
    words(html`<${Ledger} view=${view} />`),
    /of it, on spot capacity 1\.0 replica-hours = 0\.50 USD .*Spot capacity saved 1\.50 USD/,
  )
})

test('the way back says its rung, how long it takes, and when that was tried out', () => {
  const service = serviceView({
    wayBack: {
      possible: true,
      because: '',
      rung: 'asleep',
      measuredMs: 41_000,
      drilledAt: at - 12 * 60_000,
      weakened: null,
      drillFailed: evil,
    },
  })
  assert.equal(wayBackText(service, at), 'asleep, 41 s, drilled 12 min ago')
  assert.match(words(html`<${WayBack} service=${service} />`), /The last drill failed/)
  assert.doesNotMatch(text(html`<${WayBack} service=${service} />`), /<img|<script/)
  assert.equal(wayBackText(serviceView(), at), 'full, 4.0 ms, as the last move took')
})

test('nothing yet, and nothing at all, say so', () => {
  services.value = null
  assert.match(words(html`<${Overview} />`), /Looking at the services/)
  services.value = []
  assert.match(words(html`<${Overview} />`), /No service yet/)
  services.value = null
  assert.match(words(html`<${History} releases=${[]} />`), /No release yet/)
})

test('a freeze says who, why, until when, and that a rollback may go on', () => {
  const frozen = [{ service: null, by: 'ann', reason: 'holidays', at: 0, until: null }]
  assert.match(
    words(html`<${Frozen} service=${serviceView({ frozen })} />`),
    /Everything is frozen by ann .* ago: holidays\. Nothing switches forward until somebody lifts it; a rollback always may\./,
  )
})
