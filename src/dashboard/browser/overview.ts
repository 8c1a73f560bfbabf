/** Every service, one card each: what answers, what is going on, whether there is a way back. */
import { signal } from '@preact/signals'
import type { ServiceView } from '../../api/shapes.ts'
import { html } from './html.ts'
import { now, rateOf, services } from './live.ts'
import { PlaceMark } from './marks.ts'
import { servicePath } from './route.ts'
import { ago, firstLine, rate } from './words.ts'

/** So many are seen at a glance. */
const filterFrom = 7
const filter = signal('')

export function Overview() {
  const all = services.value
  if (all === null) return html`<p class="message" role="status">Looking at the services …</p>`
  const text = filter.value.trim().toLowerCase()
  const shown = all.filter(({ service }) => service.includes(text))
  return html`
    <h1 tabindex="-1">Services</h1>
    ${all.length >= filterFrom && html`<${Filter} shown=${shown.length} all=${all.length} />`}
    <ul class="services">
      ${shown.map((service) => html`<li key=${service.service}><${ServiceCard} service=${service} /></li>`)}
    </ul>
    ${all.length === 0 && html`<p class="message">No service yet: describe one in <code>beryl.yaml</code>.</p>`}
    ${all.length > 0 && shown.length === 0 && html`<p class="message">No service has “${filter.value}” in its name.</p>`}
  `
}

function Filter({ shown, all }: { shown: number; all: number }) {
  return html`<p class="filter">
    <label for="filter">Name has</label>
    <input
      id="filter"
      type="search"
      value=${filter.value}
      onInput=${(event: InputEvent) => (filter.value = (event.currentTarget as HTMLInputElement).value)}
    />
    <span role="status">${shown} of ${all}</span>
  </p>`
}

function ServiceCard({ service }: { service: ServiceView }) {
  const { release, live, wayBack, problems } = service
  return html`<article class=${`card service ${problems.length > 0 ? 'troubled' : ''}`}>
    <h2><a href=${servicePath(service.service)}>${service.service}</a></h2>
    <ul class="places">
      ${(['blue', 'green'] as const).map((place) => html`<${Place} service=${service} place=${place} />`)}
    </ul>
    ${
      release === null
        ? html`<p class="calm">
            ${live === null ? 'Nothing is live yet.' : `Nothing is being released${live.since > 0 ? `; ${live.version} went live ${ago(live.since, now.value)}` : ''}.`}
          </p>`
        : html`<p>
            <strong>${release.id} ${release.version} is ${release.phase}</strong
            >${release.paused !== null && ' (paused)'}
            <span class="clipped"
              >${release.waitingFor !== null && 'waits for '}${firstLine(release.waitingFor ?? release.because ?? '')}</span
            >
          </p>`
    }
    <p class="small">
      Way back: ${wayBack.possible ? `yes, to ${service.standby?.version}` : 'none now'}
    </p>
    ${problems.map((problem) => html`<p class="problem">${problem}</p>`)}
  </article>`
}

function Place({ service, place }: { service: ServiceView; place: 'blue' | 'green' }) {
  const { role, version, replicas, asked } = service.environments[place]
  const perSecond = rateOf(service, place)
  const ready = replicas.filter(({ state }) => state === 'ready').length
  return html`<li class=${role}>
    <${PlaceMark} place=${place} /> <span class="place-name">${place}</span>
    <span class="place-version">${role === 'empty' ? '—' : version}</span>
    <span class="place-role">${role}</span>
    <span class="place-figures">
      ${role === 'empty' ? '' : `${ready}/${Math.max(asked, ready)}`}
      ${role === 'live' && perSecond !== null && ` · ${rate(perSecond)}`}
    </span>
  </li>`
}
