/** Signs that stand beside words, never for them: shapes differ, so that colours need not be told apart. */
import { html } from './html.ts'

export function Hexagon() {
  return html`<svg class="gem" viewBox="0 0 24 24" aria-hidden="true">
    <path class="gem-body" d="M12 1.5 21.1 6.75v10.5L12 22.5 2.9 17.25V6.75z" />
    <path
      class="gem-edge"
      d="M12 7.5 16 9.8v4.5L12 16.6 8 14.3V9.8zM12 1.5v6M21.1 6.75 16 9.8M21.1 17.25 16 14.3M12 22.5v-5.9M2.9 17.25 8 14.3M2.9 6.75 8 9.8"
    />
  </svg>`
}

/** Blue is round, green has six corners. */
export function PlaceMark({ place }: { place: 'blue' | 'green' }) {
  return html`<svg class=${`mark place-mark ${place}`} viewBox="0 0 16 16" aria-hidden="true">
    ${
      place === 'blue'
        ? html`<circle cx="8" cy="8" r="6.5" />`
        : html`<path d="M8 .8 14.4 4.4v7.2L8 15.2 1.6 11.6V4.4z" />`
    }
  </svg>`
}

type Verdict = 'pass' | 'fail' | 'undecided' | 'running' | 'waiting' | 'skipped'

const paths: Record<Verdict, string> = {
  pass: 'M3.5 8.5 6.8 11.5 12.5 4.8',
  fail: 'M4.2 4.2 11.8 11.8M11.8 4.2 4.2 11.8',
  undecided: 'M5.6 6.1a2.4 2.4 0 1 1 3.4 2.2c-.7.4-1 .8-1 1.6M8 12.2v.2',
  running: 'M8 4.4V8l2.6 1.7',
  waiting: 'M5 8h6',
  skipped: 'M4 4.5 8 8 4 11.5M8.5 4.5 12.5 8 8.5 11.5',
}

export function VerdictMark({ verdict }: { verdict: Verdict }) {
  return html`<svg class=${`mark verdict-mark ${verdict}`} viewBox="0 0 16 16" aria-hidden="true">
    <circle cx="8" cy="8" r="7" />
    <path d=${paths[verdict]} />
  </svg>`
}
