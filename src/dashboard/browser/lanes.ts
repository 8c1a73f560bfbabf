/** Two places, always in the same order: who answers, who stands beside, and where requests flow. */
import type { ServiceView } from '../../api/shapes.ts'
import { replicasText } from './consequences.ts'
import { html } from './html.ts'
import { rateOf } from './live.ts'
import { PlaceMark } from './marks.ts'
import { count, firstLine, percent, rate } from './words.ts'

type Place = 'blue' | 'green'
const places: readonly Place[] = ['blue', 'green']

export function Lanes({ service }: { service: ServiceView }) {
  const live = service.live?.environment ?? null
  return html`<section class="card lanes" aria-labelledby="lanes-title">
    <h2 id="lanes-title" class="unseen">Environments</h2>
    <${Flow} live=${live} />
    ${places.map((place) => html`<${Lane} key=${place} service=${service} place=${place} />`)}
  </section>`
}

/** From the clients to the place that answers them. */
function Flow({ live }: { live: Place | null }) {
  const path = { blue: 'M0 50C60 50 40 25 100 25', green: 'M0 50C60 50 40 75 100 75' }
  // What flows is drawn last, over what does not.
  const drawn = places.toSorted((a, b) => Number(a === live) - Number(b === live))
  return html`<div class="flow" aria-hidden="true">
    <span class="flow-name">clients</span>
    <svg viewBox="0 0 100 100" preserveAspectRatio="none">
      ${drawn.map(
        (place) =>
          html`<path class=${`pipe ${place === live ? `open ${place}` : ''}`} d=${path[place]} />
            ${place === live && html`<path class="drops" d=${path[place]} />`}`,
      )}
    </svg>
  </div>`
}

function Lane({ service, place }: { service: ServiceView; place: Place }) {
  const { role, version, asked, replicas, inFlight, answers } = service.environments[place]
  const perSecond = rateOf(service, place)
  const ready = replicas.filter(({ state }) => state === 'ready').length
  const isEmpty = role === 'empty' && replicas.length === 0
  const rung = role === 'standby' ? (service.standby?.rung ?? 'full') : null
  return html`<article class=${`lane ${role} ${place}`} aria-labelledby=${`lane-${place}`}>
    <header>
      <h3 id=${`lane-${place}`}><${PlaceMark} place=${place} /> ${place}</h3>
      <span class=${`role ${role}`}>${role}</span>
    </header>
    ${
      isEmpty
        ? html`<p class="lane-version none">—</p>`
        : html`<p class="lane-version" title=${version ?? ''}>${version ?? '?'}</p>
            <dl class="lane-facts">
              <div>
                <dt>replicas</dt>
                <dd>
                  <${Replicas} replicas=${replicas} asked=${asked} /> ${replicasText(ready, asked)}
                </dd>
              </div>
              ${
                rung !== null &&
                html`<div>
                  <dt>rung</dt>
                  <dd>${rung}</dd>
                </div>`
              }
              <div>
                <dt>live traffic</dt>
                <dd>
                  ${trafficText(role, perSecond)}${inFlight > 0 ? `, ${inFlight} in flight` : ''}
                </dd>
              </div>
              ${
                answers.total > 0 &&
                html`<div>
                  <dt>failed</dt>
                  <dd>
                    ${percent(answers.bad / answers.total)} of ${count(answers.total, 'answer')}
                  </dd>
                </div>`
              }
            </dl>`
    }
    ${replicas
      .filter(({ state }) => state !== 'ready')
      .map(
        ({ id, state, because }) =>
          html`<p class="lane-replica">
            ${id} is ${state}${because !== null && `: ${firstLine(because)}`}
          </p>`,
      )}
  </article>`
}

function trafficText(role: string, perSecond: number | null): string {
  if (role !== 'live' && !perSecond) return 'none'
  return perSecond === null ? 'counting …' : rate(perSecond)
}

/** Filled: ready. Hollow: on its way. Crossed: failed. */
function Replicas({
  replicas,
  asked,
}: {
  replicas: ServiceView['environments']['blue']['replicas']
  asked: number
}) {
  const missing = Math.max(0, asked - replicas.length)
  const states = [...replicas.map(({ state }) => state), ...Array<string>(missing).fill('missing')]
  // A row of dots is read up to here; then the words beside it say it alone.
  if (states.length > 16) return null
  return html`<svg
    class="replicas"
    viewBox=${`0 0 ${states.length * 12} 12`}
    width=${states.length * 12}
    height="12"
    aria-hidden="true"
  >
    ${states.map(
      (state, index) =>
        html`<g class=${`replica ${state}`}>
          <circle cx=${index * 12 + 6} cy="6" r="4" />
          ${state === 'failed' && html`<path d=${`M${index * 12 + 3} 3l6 6m0-6-6 6`} />`}
        </g>`,
    )}
  </svg>`
}
