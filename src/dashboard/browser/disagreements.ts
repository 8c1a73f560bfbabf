/** Where two versions answer the same differently, the worst first, side by side. Everything in it is text from outside. */
import type { ReleaseView } from '../../api/shapes.ts'
import { html } from './html.ts'

export type Disagreement = {
  /** A request id, or a line of the golden set. */
  id: string
  request: string
  /** Where in the answer; empty: all of it. */
  at: string
  expected: string | null
  live: string | null
  candidate: string
  /** What live said when it was asked again; null: it was not. */
  liveAgain: string | null
}

export function Disagreements({ release }: { release: ReleaseView }) {
  const found = release.gates.flatMap((gate) =>
    gate.state === 'decided'
      ? [{ gate: gate.name, all: disagreementsOf(gate.evidence) }].filter(
          ({ all }) => all.length > 0,
        )
      : [],
  )
  if (found.length === 0) return null
  const { version, from } = release
  return html`<section class="card" aria-labelledby="differ-title">
    <h2 id="differ-title">Worst disagreements</h2>
    ${found.map(
      ({ gate, all }) =>
        html`<h3>${gate}</h3>
          <ol class="differ">
            ${all.map(
              (one) =>
                html`<li>
                  <p class="small">
                    ${one.id}${one.at !== '' && html`, at <code>${one.at}</code>`}
                  </p>
                  <pre class="asked">${one.request}</pre>
                  <div class="beside">
                    ${one.expected !== null && html`<${Said} who="expected" text=${one.expected} />`}
                    ${one.live !== null && html`<${Said} who=${`${from ?? 'live'} (live)`} text=${one.live} />`}
                    <${Said} who=${`${version} (candidate)`} text=${one.candidate} />
                  </div>
                  ${one.liveAgain !== null && html`<p class="small">${one.liveAgain === one.live ? 'Asked again, live said the same.' : html`Asked again, live said: <code>${one.liveAgain}</code>`}</p>`}
                </li>`,
            )}
          </ol>`,
    )}
  </section>`
}

function Said({ who, text }: { who: string; text: string }) {
  return html`<div>
    <p class="small">${who}</p>
    <pre>${text}</pre>
  </div>`
}

/** As golden sets, replay and shadow tell them; what has another form is left out. */
export function disagreementsOf(evidence: Readonly<Record<string, unknown>>): Disagreement[] {
  const { examples } = evidence
  if (!Array.isArray(examples)) return []
  return examples.flatMap((one: unknown): Disagreement[] => {
    if (typeof one !== 'object' || one === null) return []
    const example = one as Record<string, unknown>
    const { line, id, request, candidate } = example
    if (candidate === undefined || request === undefined) return []
    return [
      {
        id: line === undefined ? textOf(id ?? '') : `line ${textOf(line)}`,
        request: textOf(request),
        at: example['at'] === undefined ? '' : textOf(example['at']),
        expected: orNull(example['expected']),
        live: orNull(example['live']),
        candidate: textOf(candidate),
        liveAgain: orNull(example['liveAgain']),
      },
    ]
  })
}

function orNull(value: unknown): string | null {
  return value === undefined || value === null ? null : textOf(value)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
