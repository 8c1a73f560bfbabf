/** The ledger of a service: what ran, in which role, and what blue-green added over a single environment. */
import type { AddedView, CostView, SumView } from '../../api/shapes.ts'
import { useAnswer, Waiting } from './answer.ts'
import { Refused } from './call.ts'
import { html } from './html.ts'
import { now, services } from './live.ts'
import { releasePath } from './route.ts'
import { ServiceHead } from './service-nav.ts'
import { clockTime, cost, count, percent } from './words.ts'

export function CostPage({ service }: { service: string }) {
  const live = services.value?.find((one) => one.service === service)
  const stage = `${live?.release?.id} ${live?.release?.phase}`
  const view = useAnswer<CostView>(`/services/${encodeURIComponent(service)}/cost`, stage)
  if (view === null || view instanceof Refused)
    return html`<${Waiting} answer=${view} what=${`the ledger of ${service}`} />`
  return html`<${ServiceHead} service=${service} page="cost" /><${Ledger} view=${view} />`
}

export function Ledger({ view }: { view: CostView }) {
  const { total, added, last30Days, releases, lines, unpricedHours, gaps, spot } = view
  if (lines.length === 0 && gaps.length === 0)
    return html`<p class="message">Nothing has run yet.</p>`
  return html`
    <section class="card" aria-labelledby="sums-title">
      <h2 id="sums-title">Sums</h2>
      <dl class="facts">
        <${Sum} name="in all" sum=${total} />
        <${Sum} name="last 30 days" sum=${last30Days.total} />
        <div>
          <dt>blue-green added</dt>
          <dd>${addedText(added)}</dd>
        </div>
        <div>
          <dt>of it, 30 days</dt>
          <dd>${addedText(last30Days.added)}</dd>
        </div>
        ${spot.replicaHours > 0 && html`<${Sum} name="of it, on spot capacity" sum=${spot} />`}
      </dl>
      ${
        spot.saved !== null &&
        spot.saved > 0 &&
        html`<p class="hint">
          Spot capacity saved ${spot.saved.toFixed(2)} ${spot.currency} against on demand.
        </p>`
      }
      ${
        unpricedHours > 0 &&
        html`<p class="hint">
          ${unpricedHours.toPrecision(2)} replica-hours have no price: environment.price was not in
          the manifest when their release began.
        </p>`
      }
      ${
        total.money === null &&
        unpricedHours < total.replicaHours &&
        html`<p class="hint">There is no sum of money: prices are in more than one currency.</p>`
      }
      ${gaps.map(
        ({ from, to, replicas, replicaHours }) =>
          html`<p class="hint">
            Not known: ${clockTime(from, now.value)} to ${clockTime(to, now.value)}. Beryl was not
            there, and did not find ${count(replicas, 'replica')} again; up to
            ${replicaHours.toPrecision(2)} replica-hours, counted nowhere.
          </p>`,
      )}
    </section>
    <section class="card" aria-labelledby="releases-title">
      <h2 id="releases-title">By release</h2>
      <div class="scrolled" tabindex="0" role="region" aria-label="Cost by release">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">release</th>
              <th scope="col">version</th>
              <th scope="col">candidate, h</th>
              <th scope="col">live, h</th>
              <th scope="col">standby, h</th>
              <th scope="col">cost</th>
              <th scope="col">added for its sake</th>
            </tr>
          </thead>
          <tbody>
            ${releases.toReversed().map(
              (one) =>
                html`<tr key=${one.release}>
                  <th scope="row"><a href=${releasePath(one.release)}>${one.release}</a></th>
                  <td>${one.version}</td>
                  <td>${hours(one.hours.candidate)}</td>
                  <td>${hours(one.hours.live)}</td>
                  <td>${hours(one.hours.standby)}</td>
                  <td>${cost(one)}</td>
                  <td>${addedText(one.added)}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </section>
  `
}

function Sum({ name, sum }: { name: string; sum: SumView }) {
  return html`<div>
    <dt>${name}</dt>
    <dd>${cost(sum)}</dd>
  </div>`
}

function addedText(added: AddedView): string {
  if (added.replicaHours === 0 && added.placeHours === undefined) return 'nothing'
  return `${cost(added)}${added.share === null ? '' : `: +${percent(added.share)}`}`
}

function hours(value: number): string {
  return value === 0 ? '—' : value < 0.001 ? 'under 0.001' : value.toFixed(value < 10 ? 3 : 1)
}
