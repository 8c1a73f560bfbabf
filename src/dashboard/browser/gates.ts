/** Each gate with its verdict; only `pass` opens it. */
import type { ReleaseView } from '../../api/shapes.ts'
import { askToSkip } from './actions.ts'
import { html } from './html.ts'
import { VerdictMark } from './marks.ts'
import { firstLine, otherLines } from './words.ts'

export function Gates({ release }: { release: ReleaseView }) {
  const { gates, leftOut } = release
  if (gates.length === 0 && leftOut.length === 0)
    return html`<p class="hint">The manifest asks for no gate.</p>`
  return html`<ul class="gates">
    ${gates.map((gate) => html`<${Gate} key=${gate.name} gate=${gate} release=${release} />`)}
    ${leftOut.map(
      ({ name, because }) =>
        html`<li>
          <${VerdictMark} verdict="skipped" />
          <span class="gate-name">${name}</span> <span class="verdict">left out</span>
          <p>${because}</p>
        </li>`,
    )}
  </ul>`
}

function Gate({ gate, release }: { gate: ReleaseView['gates'][number]; release: ReleaseView }) {
  const verdict = gate.state === 'decided' ? gate.verdict : gate.state
  const text =
    gate.state === 'decided' ? gate.because : gate.state === 'running' ? (gate.progress ?? '') : ''
  const more = otherLines(text)
  const isShut = gate.state === 'decided' && gate.verdict !== 'pass'
  return html`<li class=${verdict}>
    <${VerdictMark} verdict=${verdict} />
    <span class="gate-name">${gate.name}</span> <span class="verdict">${verdict}</span>
    <p>${firstLine(text)}</p>
    ${
      more !== '' &&
      html`<details>
        <summary>the lines behind it</summary>
        <pre>${more}</pre>
      </details>`
    }
    ${
      isShut &&
      release.can.approve === null &&
      html`<button type="button" class="quiet" onClick=${() => askToSkip(gate.name, release)}>
        Skip this gate …
      </button>`
    }
  </li>`
}
