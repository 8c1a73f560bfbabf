/** Every service, one card each: what answers, what is going on, whether there is a way back. */
import { signal } from '@preact/signals'
import type { ServiceView } from '../../api/shapes.ts'
import { FrozenLine, wayBackText } from './facts.ts'
import { askToFreeze, askToLift, freezeRefusals } from './freeze.ts'
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
    <div class="head">
      <h1 tabindex="-1">Services</h1>
      ${all.length > 0 && html`<${FreezeAll} all=${all} />`}
    </div>
    ${everythingFrozen(all).map((freeze) => html`<${FrozenLine} freeze=${freeze} />`)}
    ${all.length >= filterFrom && html`<${Filter} shown=${shown.length} all=${all.length} />`}
    <ul class="services">
      ${shown.map((service) => html`<li key=${service.service}><${ServiceCard} service=${service} /></li>`)}
    </ul>
    ${all.length === 0 && html`<p class="message">No service yet: describe one in <code>beryl.yaml</code>.</p>`}
    ${all.length > 0 && shown.length === 0 && html`<p class="message">No service has “${filter.value}” in its name.</p>`}
  `
}

/** Each service says it of itself; there it is said once. */
function everythingFrozen(all: readonly ServiceView[]) {
  return (all[0]?.frozen ?? []).filter(({ service }) => service === null)
}

function FreezeAll({ all }: { all: readonly ServiceView[] }) {
  const refusals = freezeRefusals(all[0]!, null)
  const isFrozen = everythingFrozen(all).length > 0
  const refusal = isFrozen ? refusals.unfreeze : refusals.freeze
  return html`<button
    type="button"
    class="quiet"
    title=${refusal ?? ''}
    aria-disabled=${refusal !== null}
    onClick=${() => refusal === null && (isFrozen ? askToLift(null) : askToFreeze(null))}
  >
    ${isFrozen ? 'Lift the freeze of everything …' : 'Freeze everything …'}
  </button>`
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
      Way back:
      ${wayBack.possible ? `to ${service.standby?.version}, ${wayBackText(service, now.value)}` : 'none now'}
    </p>
    ${service.frozen.some((one) => one.service !== null) && html`<p class="small">Frozen: ${service.frozen.find((one) => one.service !== null)!.reason}</p>`}
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
