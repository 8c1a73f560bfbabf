/** One service: who answers, what is being released, how sure the guard is, and what may be done. */
import { useEffect, useState } from 'preact/hooks'
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { ServiceActions } from './actions.ts'
import { call } from './call.ts'
import { ReleaseCurves, ServiceCurves } from './curves.ts'
import { Evidence } from './evidence.ts'
import { Cost, Frozen, WayBack } from './facts.ts'
import { Gates } from './gates.ts'
import { History } from './history.ts'
import { html } from './html.ts'
import { Lanes } from './lanes.ts'
import { missing, services } from './live.ts'
import { Missing } from './missing.ts'
import { PhaseText, ReleaseLine, Spoken } from './release-line.ts'
import { releasePath, servicePath } from './route.ts'
import { ServiceHead } from './service-nav.ts'

const shownMax = 12

export function ServicePage({ name }: { name: string }) {
  const service = services.value?.find((one) => one.service === name)
  if (missing.value !== null) return html`<${Missing} refused=${missing.value} />`
  if (service === undefined) return html`<p class="message" role="status">Looking at ${name} …</p>`
  return html`<${Shown} service=${service} />`
}

function Shown({ service }: { service: ServiceView }) {
  const { release, queued, problems } = service
  const past = usePast(service)
  return html`
    <${ServiceHead} service=${service.service} />
    <p class="address">Clients reach it at ${service.url}</p>
    ${problems.map((problem) => html`<p class="problem card" role="alert">${problem}</p>`)}
    <${Frozen} service=${service} />
    <${Spoken} release=${release ?? past?.[0] ?? null} />
    <div class="columns">
      <div class="main-column">
        <${Lanes} service=${service} />
        ${release === null ? html`<${Rest} service=${service} last=${past?.[0]} />` : html`<${Current} release=${release} />`}
        ${queued !== null && html`<p class="card">Waiting behind it: <a href=${releasePath(queued.id)}>${queued.id}</a> (${queued.version}), by ${queued.by}</p>`}
        ${release !== null && html`<${Evidence} release=${release} /><${ReleaseCurves} release=${release} key=${release.id} />`}
        <${ServiceCurves} service=${service} />
      </div>
      <div class="side-column">
        <section class="card act" aria-labelledby="act-title">
          <h2 id="act-title">What you can do</h2>
          <${ServiceActions} service=${service} />
        </section>
        <${WayBack} service=${service} />
        ${release !== null && html`<${Cost} release=${release} />`}
      </div>
    </div>
    <section class="card" aria-labelledby="history-title">
      <h2 id="history-title">History</h2>
      <${History}
        releases=${past?.map((one) => [release, queued].find((now) => now?.id === one.id) ?? one) ?? null}
      />
      ${past !== null && past.length >= shownMax && html`<p class="more"><a href=${servicePath(service.service, 'history')}>Every release</a></p>`}
    </section>
  `
}

function Current({ release }: { release: ReleaseView }) {
  return html`<section class="card" aria-labelledby="release-title">
    <h2 id="release-title">
      Release <a href=${releasePath(release.id)}>${release.id}</a>:
      ${release.from !== null && `${release.from} → `}${release.version}
    </h2>
    <${PhaseText} release=${release} />
    <${ReleaseLine} release=${release} />
    <${Gates} release=${release} />
  </section>`
}

/** Nothing is being released: then what became of the last attempt is what one comes to see. */
function Rest({ service, last }: { service: ServiceView; last: ReleaseView | undefined }) {
  return html`<section class="card" aria-labelledby="release-title">
    <h2 id="release-title">Nothing is being released</h2>
    ${service.live === null && html`<p>No version is live yet: clients get 503 until one is.</p>`}
    ${
      last !== undefined &&
      html`<p>The last one was <a href=${releasePath(last.id)}>${last.id}</a> (${last.version}).</p>
        <${PhaseText} release=${last} />
        <${ReleaseLine} release=${last} />`
    }
  </section>`
}

/** Read anew when a release begins, moves on or ends. Null until it came. */
function usePast({ service, release, queued }: ServiceView): readonly ReleaseView[] | null {
  const [past, setPast] = useState<readonly ReleaseView[] | null>(null)
  const stage = `${release?.id} ${release?.phase} ${queued?.id}`
  useEffect(() => {
    let isOver = false
    void call<{ releases: ReleaseView[] }>(
      'GET',
      `/services/${encodeURIComponent(service)}/history?limit=${shownMax}`,
    ).then(
      ({ releases }) => !isOver && setPast(releases),
      // The page is told apart what is lost; the next stage asks again.
      () => {},
    )
    return () => void (isOver = true)
  }, [service, stage])
  return past
}
