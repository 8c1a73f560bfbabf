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
  return html`<section class="card lanes" aria-labelledby="lanes-title">
    <h2 id="lanes-title" class="unseen">Environments</h2>
    <${Flow} service=${service} />
    ${places.map((place) => html`<${Lane} key=${place} service=${service} place=${place} />`)}
  </section>`
}

/** From the clients to the places that answer them, as wide as their part of the traffic. */
function Flow({ service }: { service: ServiceView }) {
  const path = { blue: 'M0 50C60 50 40 25 100 25', green: 'M0 50C60 50 40 75 100 75' }
  const share = (place: Place) => service.environments[place].share
  // The widest is drawn last, over the others.
  const drawn = places.toSorted((a, b) => share(a) - share(b))
  return html`<div class="flow" aria-hidden="true">
    <span class="flow-name">clients</span>
    <svg viewBox="0 0 100 100" preserveAspectRatio="none">
      ${drawn.map(
        (place) =>
          html`<path
              class=${`pipe ${share(place) > 0 ? place : ''}`}
              d=${path[place]}
              stroke-width=${2 + 7 * share(place)}
            />
            ${share(place) > 0.3 && html`<path class="drops" d=${path[place]} />`}`,
      )}
    </svg>
  </div>`
}

function Lane({ service, place }: { service: ServiceView; place: Place }) {
  const { role, version, asked, replicas, inFlight, answers, share } = service.environments[place]
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
                  ${trafficText(share, perSecond)}${inFlight > 0 ? `, ${inFlight} in flight` : ''}
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

function trafficText(share: number, perSecond: number | null): string {
  if (share === 0) return 'none'
  const part = share < 1 ? `${percent(share)}, ` : ''
  return `${part}${perSecond === null ? 'counting …' : rate(perSecond)}`
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
