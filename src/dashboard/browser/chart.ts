/**
 * Lines over time, drawn once and said twice: each line has a name, a stroke of its own and its value in words, and behind the
 * chart lies the same as a table. What nobody looked at is a gap.
 */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { html } from './html.ts'
import { now } from './live.ts'
import { pathOf, placeOf, plotHeight, plotWidth, rowsOf, topOf } from './plot.ts'
import { clockTime } from './words.ts'

export type Line = {
  name: string
  /** Strokes that are told apart without colour: `new` and `blue`, `worse` are whole, the others broken. */
  stroke: 'new' | 'old' | 'blue' | 'green' | 'worse' | 'fine'
  /** Stands before the name. */
  mark?: ComponentChildren
  values: readonly (number | null)[]
}

export type ChartShown = {
  title: string
  at: readonly number[]
  lines: readonly Line[]
  /** How a value is said. */
  say: (value: number) => string
  /** Without a limit the upper edge is at least this. */
  atLeast?: number
  /** The line that must be crossed. */
  limit?: { value: number; text: string }
  /** What happened meanwhile. */
  marks?: readonly { at: number; text: string }[]
}

const rowsMax = 24
/** What has crossed the line is seen to have; style.css puts the axis' text there. */
const aboveLimit = 1.15

export function Chart(shown: ChartShown) {
  const { title, at, lines, say, atLeast = 1, limit, marks = [] } = shown
  const [pointed, setPointed] = useState<number | null>(null)
  const top =
    limit === undefined
      ? topOf(
          lines.map(({ values }) => values),
          atLeast,
        )
      : limit.value * aboveLimit
  const here = pointed !== null && pointed < at.length ? pointed : null
  const point = (event: PointerEvent) => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect()
    setPointed(Math.round(((event.clientX - left) / width) * (at.length - 1)))
  }
  const seen = marks.flatMap((mark) => {
    const x = placeOf(mark.at, at)
    return x === null ? [] : [{ ...mark, x }]
  })
  const y = (value: number) => plotHeight * (1 - value / top)
  return html`<figure class="chart">
    <figcaption>
      <h3>${title}</h3>
      <span class="chart-when">${clockTime(at[here ?? lastSeen(lines)]!, now.value)}</span>
    </figcaption>
    <div class=${`plot ${limit === undefined ? '' : 'with-limit'}`}>
      <span class="axis">${say(limit?.value ?? top)}</span>
      <svg
        viewBox=${`0 0 ${plotWidth} ${plotHeight}`}
        preserveAspectRatio="none"
        role="img"
        aria-label=${spoken(shown)}
        onPointerMove=${point}
        onPointerLeave=${() => setPointed(null)}
      >
        <path class="edge" d=${`M0 0H${plotWidth}M0 ${plotHeight}H${plotWidth}`} />
        ${seen.map(({ x }) => html`<path class="event" d=${`M${x} 0V${plotHeight}`} />`)}
        ${limit !== undefined && html`<path class="limit" d=${`M0 ${y(limit.value)}H${plotWidth}`} />`}
        ${lines.map(({ stroke, values }) => html`<path class=${`drawn ${stroke}`} d=${pathOf(values, top)} />`)}
        ${here !== null && html`<path class="pointer" d=${`M${(here / Math.max(1, at.length - 1)) * plotWidth} 0V${plotHeight}`} />`}
      </svg>
      <span class="axis low">0</span>
    </div>
    <p class="times">
      <span>${clockTime(at[0]!, now.value)}</span><span>${clockTime(at.at(-1)!, now.value)}</span>
    </p>
    <ul class="legend">
      ${lines.map(
        ({ name, stroke, mark, values }) =>
          html`<li>
            <svg class="sample" viewBox="0 0 28 13" aria-hidden="true">
              <path class=${`drawn ${stroke}`} d="M1 6.5H27" />
            </svg>
            ${mark} ${name}
            <strong>${said(here === null ? lastOf(values) : values[here]!, say)}</strong>
          </li>`,
      )}
      ${
        limit !== undefined &&
        html`<li>
          <svg class="sample" viewBox="0 0 28 13" aria-hidden="true">
            <path class="limit" d="M1 6.5H27" />
          </svg>
          ${limit.text}
        </li>`
      }
      ${seen.map(
        (mark) =>
          html`<li>
            <svg class="sample" viewBox="0 0 28 13" aria-hidden="true">
              <path class="event" d="M14 0V13" />
            </svg>
            ${mark.text}, ${clockTime(mark.at, now.value)}
          </li>`,
      )}
    </ul>
    <${Table} ...${shown} />
  </figure>`
}

/** Only what is opened is drawn: a table behind each of many charts would be drawn anew with each look. */
function Table({ title, at, lines, say }: ChartShown) {
  const [isOpen, setOpen] = useState(false)
  return html`<details
    onToggle=${(event: Event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}
  >
    <summary>${title}: as a table</summary>
    ${
      isOpen &&
      html`<div class="scrolled" tabindex="0" role="region" aria-label=${`${title}, as a table`}>
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">time</th>
              ${lines.map(({ name }) => html`<th scope="col">${name}</th>`)}
            </tr>
          </thead>
          <tbody>
            ${rowsOf(at.length, rowsMax).map(
              (row) =>
                html`<tr>
                  <th scope="row">${clockTime(at[row]!, now.value)}</th>
                  ${lines.map(({ values }) => html`<td>${said(values[row]!, say)}</td>`)}
                </tr>`,
            )}
          </tbody>
        </table>
      </div>`
    }
  </details>`
}

function spoken({ title, at, lines, say, limit }: ChartShown): string {
  const values = lines.map(({ name, values: all }) => `${name} ${said(lastOf(all), say)}`)
  const line = limit === undefined ? '' : `; ${limit.text}`
  return `${title}, ${clockTime(at[0]!, now.value)} to ${clockTime(at.at(-1)!, now.value)}; now ${values.join(', ')}${line}`
}

/** Place of the last value of any line. */
function lastSeen(lines: readonly Line[]): number {
  return Math.max(0, ...lines.map(({ values }) => values.findLastIndex((value) => value !== null)))
}

function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null
}

function said(value: number | null, say: (value: number) => string): string {
  return value === null ? '—' : say(value)
}
