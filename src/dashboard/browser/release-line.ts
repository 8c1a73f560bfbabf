/** The release as a line of phases. */
import type { ReleaseView } from '../../api/shapes.ts'
import { html } from './html.ts'
import { now } from './live.ts'
import { stepsOf } from './story.ts'
import type { Step } from './story.ts'
import { duration, firstLine, otherLines, running } from './words.ts'

const spoken: Record<Step['state'], string> = {
  done: 'done',
  now: 'now',
  ahead: 'still to come',
  good: 'the end',
  bad: 'the end',
}

export function ReleaseLine({ release }: { release: ReleaseView }) {
  return html`<ol class="line" aria-label="Phases of the release">
    ${stepsOf(release).map(
      (step) =>
        html`<li class=${step.state} aria-current=${step.state === 'now' ? 'step' : undefined}>
          <svg class="stop" viewBox="0 0 20 20" aria-hidden="true">
            <${Stop} state=${step.state} />
          </svg>
          <span class="phase">${step.phase}</span>
          <span class="took"
            ><span class="unseen">${spoken[step.state]} </span>${timeOf(step)}</span
          >
        </li>`,
    )}
  </ol>`
}

function Stop({ state }: { state: Step['state'] }) {
  if (state === 'done' || state === 'good')
    return html`<circle cx="10" cy="10" r="8" /><path d="M6 10.4 9 13l5-6" />`
  if (state === 'bad') return html`<circle cx="10" cy="10" r="8" /><path d="M7 7l6 6m0-6-6 6" />`
  if (state === 'now')
    return html`<circle cx="10" cy="10" r="8" /><circle class="core" cx="10" cy="10" r="4" />`
  return html`<circle cx="10" cy="10" r="5" />`
}

function timeOf({ state, at, tookMs }: Step): string {
  if (tookMs !== null) return duration(tookMs)
  return state === 'now' && at !== null ? running(now.value - at) : ''
}

/** Where it is and why, in the words of the CLI. */
export function PhaseText({ release }: { release: ReleaseView }) {
  const { phase, paused, waitingFor, because } = release
  const reason = waitingFor ?? because
  const more = otherLines(reason ?? '')
  return html`<div class="phase-text">
    <p>
      <strong class=${`phase-name ${phase}`}>${phase}</strong
      >${paused !== null && html` <span class="paused">(paused by ${paused.by}${paused.because !== null && `: ${paused.because}`})</span>`}${reason !== null && `: ${waitingFor === null ? '' : 'waits for '}${firstLine(reason)}`}
    </p>
    ${
      more !== '' &&
      html`<details>
        <summary>the lines behind it</summary>
        <pre>${more}</pre>
      </details>`
    }
  </div>`
}

/** For who does not see the line move. It stays where it is on the page: only what changes in a place that was there is told. */
export function Spoken({ release }: { release: ReleaseView | null }) {
  return html`<p class="unseen" aria-live="polite">
    ${
      release !== null &&
      `${release.id} is ${release.phase}${needsPerson(release) ? `, waits for ${firstLine(release.waitingFor ?? '')}` : ''}`
    }
  </p>`
}

/** Waits that somebody must end are told aloud; others change with every answer. */
function needsPerson({ waitingFor }: ReleaseView): boolean {
  return /^(approval|a person|`)/.test(waitingFor ?? '')
}
