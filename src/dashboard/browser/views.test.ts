/** Pages as text: what comes from outside stays text, and what is said by a colour is said in words too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import { ReleaseActions, ServiceActions } from './actions.ts'
import { Evidence } from './evidence.ts'
import { Frozen } from './facts.ts'
import { Gates } from './gates.ts'
import { History } from './history.ts'
import { html } from './html.ts'
import { Lanes } from './lanes.ts'
import { services } from './live.ts'
import { Overview } from './overview.ts'
import { PhaseText, ReleaseLine, Spoken } from './release-line.ts'
import { releaseSeenBy, serviceSeenBy } from '../../api/seen-by.ts'
import { releaseView, serviceView } from './testing.ts'

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
