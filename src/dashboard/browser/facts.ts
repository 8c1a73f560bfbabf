/** The way back, and what it costs. */
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { html } from './html.ts'
import { now } from './live.ts'
import { VerdictMark } from './marks.ts'
import { ago, clockTime, cost, duration } from './words.ts'

/** `asleep, 41 s, drilled 12 min ago` */
export function wayBackText({ wayBack }: ServiceView, at: number): string {
  const { rung, measuredMs, drilledAt, weakened } = wayBack
  const took =
    measuredMs === null
      ? 'not measured yet'
      : `${duration(measuredMs)}${rung === 'full' ? ', as the last move took' : ''}`
  return [
    rung ?? 'full',
    ...(weakened === null ? [] : ['weakened']),
    took,
    ...(drilledAt === null
      ? []
      : [`${rung === 'full' ? 'probed' : 'drilled'} ${ago(drilledAt, at)}`]),
  ].join(', ')
}

export function WayBack({ service }: { service: ServiceView }) {
  const { possible, because, drillFailed, weakened } = service.wayBack
  return html`<section class="card" aria-labelledby="back-title">
    <h2 id="back-title">Way back</h2>
    <p class="verdict-line">
      <${VerdictMark} verdict=${possible && weakened === null ? 'pass' : 'waiting'} />
      <strong>${possible ? `yes, to ${service.standby?.version ?? '?'}` : 'none now'}</strong>
    </p>
    ${possible && html`<p>${wayBackText(service, now.value)}</p>`}
    ${weakened !== null && html`<p class="problem">${weakened}</p>`}
    ${drillFailed !== null && html`<p class="problem">The last drill failed: ${drillFailed}</p>`}
    <p class="small">${because}</p>
  </section>`
}

export function Frozen({ service }: { service: ServiceView }) {
  return service.frozen.map((freeze) => html`<${FrozenLine} freeze=${freeze} />`)
}

export function FrozenLine({ freeze }: { freeze: ServiceView['frozen'][number] }) {
  const { service, by, at, reason, until } = freeze
  return html`<p class="card frozen" role="status">
    <strong>${service === null ? 'Everything is frozen' : 'Frozen'}</strong> by ${by}
    ${ago(at, now.value)}: ${reason}. Nothing switches forward
    ${until === null ? 'until somebody lifts it' : `until ${clockTime(until, now.value)}`}; a
    rollback always may.
  </p>`
}

export function Cost({ release }: { release: ReleaseView }) {
  if (release.cost === null) return null
  return html`<section class="card" aria-labelledby="cost-title">
    <h2 id="cost-title">Cost of ${release.id}</h2>
    <p>${cost(release.cost)}</p>
    <p class="small">what its own replicas have taken so far</p>
  </section>`
}
