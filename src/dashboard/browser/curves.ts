/** Both versions of a release, and both places of a service, over time. */
import { useEffect, useState } from 'preact/hooks'
import type { CurvesView } from '../../api/curves-shape.ts'
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { call } from './call.ts'
import { Chart } from './chart.ts'
import type { Line } from './chart.ts'
import { html } from './html.ts'
import { PlaceMark } from './marks.ts'
import { isEnd } from './story.ts'
import { duration, percent, rate } from './words.ts'

const everyMs = 5000

export function ReleaseCurves({ release }: { release: ReleaseView }) {
  const path = `/releases/${encodeURIComponent(release.id)}/curves`
  const view = useCurves(path, !isEnd(release.phase))
  if (view === null || view.at.length < 2) return null
  return html`<section class="card" aria-labelledby="curves-title">
    <h2 id="curves-title">Over time</h2>
    <${ReleaseCharts} view=${view} release=${release} />
  </section>`
}

export function ReleaseCharts({ view, release }: { view: CurvesView; release: ReleaseView }) {
  const { at, evidence, sides, feedback } = view
  const marks = marksOf(release)
  const both = (values: (side: CurvesView['sides'][number]) => Line['values']): Line[] =>
    sides.map((one) => ({
      name: nameOf(one),
      stroke: one.side as Line['stroke'],
      values: values(one),
    }))
  const hasTimes = sides.some(({ p95Ms }) => p95Ms.some((value) => value !== null))
  const hasAnswers = sides.some(({ answers }) => answers.some((value) => (value ?? 0) > 0))
  return html`<div class="charts">
    ${evidence
      .filter(({ rollback, promotion }) =>
        [...rollback, ...promotion].some((value) => (value ?? 0) > 0),
      )
      .map(
        ({ signal, rollback, promotion }) =>
          html`<${Chart}
            key=${signal}
            title=${`Evidence: ${signal}`}
            at=${at}
            marks=${marks}
            say=${percent}
            limit=${{ value: 1, text: 'the line that decides' }}
            lines=${[
              { name: 'it is worse (rolls back)', stroke: 'worse', values: rollback },
              ...(promotion.some((value) => value !== null)
                ? [{ name: 'it is no worse (promotes)', stroke: 'fine', values: promotion }]
                : []),
            ]}
          />`,
      )}
    ${
      hasAnswers &&
      html`<${Chart}
        title="Failed answers"
        at=${at}
        marks=${marks}
        say=${percent}
        atLeast=${0.01}
        lines=${both(({ answers, bad }) => shareOf(bad, answers))}
      />`
    }
    ${
      hasTimes &&
      html`<${Chart}
        title="Latency, 95 % within"
        at=${at}
        marks=${marks}
        say=${duration}
        atLeast=${1}
        lines=${both(({ p95Ms }) => p95Ms)}
      />`
    }
    ${[...new Set(feedback.map(({ kind }) => kind))].map(
      (kind) =>
        html`<${Chart}
          key=${kind}
          title=${`Feedback: ${kind}`}
          at=${at}
          marks=${marks}
          say=${(value: number) => value.toFixed(2)}
          atLeast=${1}
          lines=${feedback
            .filter((one) => one.kind === kind)
            .map(({ side, mean }) => ({
              name: nameOf(sides.find((one) => one.side === side) ?? { side, version: null }),
              stroke: side,
              values: mean,
            }))}
        />`,
    )}
  </div>`
}

/** Answers of clients in both places, in the last 40 minutes. */
export function ServiceCurves({ service }: { service: ServiceView }) {
  const view = useCurves(`/services/${encodeURIComponent(service.service)}/curves`, true)
  const isIdle = view?.sides.every(({ answers }) => answers.every((value) => !value)) ?? true
  if (view === null || view.at.length < 2 || isIdle) return null
  return html`<section class="card" aria-labelledby="traffic-title">
    <h2 id="traffic-title" class="unseen">Live traffic</h2>
    <${TrafficChart} view=${view} />
  </section>`
}

export function TrafficChart({ view: { at, everyMs: slotMs, sides } }: { view: CurvesView }) {
  const places = ['blue', 'green'] as const
  return html`<${Chart}
    title="Live traffic by place"
    at=${at}
    say=${rate}
    atLeast=${1}
    lines=${places.map((place) => ({
      name: place,
      stroke: place,
      mark: html`<${PlaceMark} place=${place} />`,
      // The last slot is not over yet: of it nobody can say how many a second.
      values: (sides.find(({ side }) => side === place)?.answers ?? []).map((value, index, all) =>
        value === null || index === all.length - 1 ? null : (value * 1000) / slotMs,
      ),
    }))}
  />`
}

function marksOf({ switched, rolledBack }: ReleaseView) {
  return [
    ...(switched === null ? [] : [{ at: switched.at, text: 'switched' }]),
    ...(rolledBack === null ? [] : [{ at: rolledBack.at, text: 'rolled back' }]),
  ]
}

function nameOf({ side, version }: { side: string; version: string | null }): string {
  const which = side === 'new' ? 'new' : 'old'
  return version === null ? which : `${version} (${which})`
}

function shareOf(part: Line['values'], all: Line['values']): (number | null)[] {
  return all.map((total, index) => (total ? (part[index] ?? 0) / total : null))
}

/** Read anew while the page is looked at; null until it came. */
function useCurves(path: string, goesOn: boolean): CurvesView | null {
  const [view, setView] = useState<CurvesView | null>(null)
  useEffect(() => {
    let isOver = false
    const read = () => {
      if (document.visibilityState !== 'visible') return
      void call<CurvesView>('GET', path).then(
        (came) => !isOver && setView(came),
        // What is lost the page is told apart; the next time asks again.
        () => {},
      )
    }
    read()
    const timer = goesOn ? setInterval(read, everyMs) : undefined
    return () => {
      isOver = true
      clearInterval(timer)
    }
  }, [path, goesOn])
  return view
}
