/** The way back, and what it costs. */
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { html } from './html.ts'
import { now } from './live.ts'
import { VerdictMark } from './marks.ts'
import { ago, clockTime, cost, duration } from './words.ts'

export function WayBack({ service }: { service: ServiceView }) {
  const { possible, because, measuredMs, drilledAt } = service.wayBack
  return html`<section class="card" aria-labelledby="back-title">
    <h2 id="back-title">Way back</h2>
    <p class="verdict-line">
      <${VerdictMark} verdict=${possible ? 'pass' : 'waiting'} />
      <strong>${possible ? `yes, to ${service.standby?.version ?? '?'}` : 'none now'}</strong>
    </p>
    <p class="small">${because}</p>
    ${
      measuredMs !== null &&
      drilledAt === null &&
      html`<p class="small">
        The last move took <strong>${duration(measuredMs)}</strong>, measured.
      </p>`
    }
    ${drilledAt !== null && html`<p class="small">Drilled ${ago(drilledAt, now.value)}.</p>`}
  </section>`
}

export function Frozen({ service }: { service: ServiceView }) {
  return service.frozen.map(
    ({ service: one, by, at, reason, until }) =>
      html`<p class="card" role="status">
        <strong>${one === null ? 'Everything is frozen' : 'Frozen'}</strong> by ${by}
        ${ago(at, now.value)}: ${reason}. Nothing switches forward
        ${until === null ? 'until somebody lifts it' : `until ${clockTime(until, now.value)}`}; a
        rollback always may.
      </p>`,
  )
}

export function Cost({ release }: { release: ReleaseView }) {
  if (release.cost === null) return null
  return html`<section class="card" aria-labelledby="cost-title">
    <h2 id="cost-title">Cost of ${release.id}</h2>
    <p>${cost(release.cost)}</p>
    <p class="small">what its own replicas have taken so far</p>
  </section>`
}
