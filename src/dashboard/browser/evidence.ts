/** What the guard knows: each signal on its way to the two lines that decide, and what was counted. */
import type { WatchEvidence, ReleaseView } from '../../api/shapes.ts'
import { html } from './html.ts'
import { count, percent, whole } from './words.ts'

export function Evidence({ release }: { release: ReleaseView }) {
  const { watch } = release
  if (watch === null) return null
  const { evidence, decision, because, replace } = watch
  const isWatching = release.phase === 'watching' || release.phase === 'switching'
  // What is waited for says it already, as a rule.
  const isNew = !(release.waitingFor ?? '').includes(because)
  return html`<section class="card evidence" aria-labelledby="evidence-title">
    <h2 id="evidence-title">
      ${isWatching ? 'Is it worse?' : 'What the watch found'}
      ${isWatching && html`<span class="tag">the guard says: ${decisionWord[decision] ?? decision}</span>`}
    </h2>
    ${isWatching && isNew && html`<p>${because}</p>`}
    <ul class="signals">
      ${evidence.signals.map((signal) => html`<${Signal} key=${signal.signal} signal=${signal} />`)}
    </ul>
    ${replace.map((id) => html`<p class="problem">${id} is worse than its siblings: replaced</p>`)}
    <p class="hint">
      ${countedText(evidence)} A version that is not worse is rolled back in at most
      ${percent(evidence.falseRollbackRisk)} of releases.
    </p>
  </section>`
}

const decisionWord: Record<string, string> = {
  rollBack: 'roll back',
  promote: 'promote',
  hold: 'hold',
}

function Signal({ signal }: { signal: WatchEvidence['signals'][number] }) {
  const {
    signal: name,
    required,
    design,
    said,
    comparedWith,
    rollbackEvidence,
    promotionEvidence,
  } = signal
  return html`<li>
    <h3>
      ${name} ${required && html`<span class="tag">required</span>`}
      ${design !== 'none' && html`<span class="tag">${design}</span>`}
    </h3>
    ${design !== 'none' && html`<${Meter} kind="worse" share=${rollbackEvidence} of=${name} line="rolls back" />`}
    ${promotionEvidence !== null && html`<${Meter} kind="fine" share=${promotionEvidence} of=${name} line="promotes" />`}
    <p class="small">
      ${said}, against
      ${comparedWith}${design !== 'none' && promotionEvidence === null && '; by this it may roll back, never promote'}
    </p>
  </li>`
}

type MeterShown = { kind: 'worse' | 'fine'; share: number; of: string; line: string }

/** The line stands at 100 of 108: what has crossed it is seen to have. */
function Meter({ kind, share, of, line }: MeterShown) {
  const value = Math.max(0, Math.min(1, share))
  const label = kind === 'worse' ? 'it is worse' : 'it is no worse'
  return html`<div
    class=${`meter ${kind} ${value >= 1 ? 'crossed' : ''}`}
    role="meter"
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${Math.round(value * 100)}
    aria-label=${`${of}: evidence that ${label}, of what ${line}`}
  >
    <span class="meter-label">${label}</span>
    <svg viewBox="0 0 108 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="track" x="0" y="3" width="108" height="4" />
      <rect class="fill" x="0" y="2" width=${value >= 1 ? 108 : value * 100} height="6" />
      <rect class="limit" x="99.6" y="0" width=".8" height="10" />
    </svg>
    <span class="meter-share"
      >${Math.round(value * 100)} % <span class="meter-line">of what ${line}</span></span
    >
  </div>`
}

function countedText(evidence: WatchEvidence): string {
  const { total, bad, gone, void: lost, setAside, unheard, perSecond } = evidence
  const parts = [`${count(total, 'answer')} judged, ${whole(bad)} bad`]
  if (gone > 0) parts.push(`${whole(gone)} left by their clients`)
  if (lost > 0) parts.push(`${whole(lost)} void`)
  if (setAside > 0) parts.push(`${whole(setAside)} set aside`)
  if (unheard > 0) parts.push(`${whole(unheard)} not read`)
  if (perSecond !== null) parts.push(`${perSecond.toFixed(1)} a second`)
  return `${parts.join(', ')}.`
}
