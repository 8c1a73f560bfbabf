/** The frame of every page: where one is, whether what one sees is live, who one is. */
import { useLayoutEffect } from 'preact/hooks'
import { call } from './call.ts'
import { Dialog, asked } from './dialog.ts'
import { Hexagon } from './marks.ts'
import { CostPage } from './cost-page.ts'
import { HistoryPage } from './history-page.ts'
import { html } from './html.ts'
import { connection, heardAt, now, services, wanted } from './live.ts'
import { Notice, notice } from './notice.ts'
import { Overview } from './overview.ts'
import { ReleasePage } from './release-page.ts'
import { route, servicePath } from './route.ts'
import { ServicePage } from './service-page.ts'
import { session } from './session.ts'
import { SignIn } from './sign-in.ts'
import { VersionsPage } from './versions-page.ts'
import { clockTime } from './words.ts'

export function App() {
  const { state } = session.value
  return html`
    <a class="skip" href="#main">To the content</a>
    <header class="bar">
      <a class="brand" href="/"><${Hexagon} /> Beryl</a>
      ${state === 'in' && html`<${Here} />`}
      <div class="bar-end">${state === 'in' && html`<${Connection} /><${Who} />`}</div>
    </header>
    <main id="main" tabindex="-1" class=${connection.value === 'lost' ? 'old' : ''}>
      ${state !== 'out' && connection.value === 'lost' && html`<${Lost} />`}
      <${Notice} />
      ${state === 'in' ? html`<${Page} />` : state === 'out' ? html`<${SignIn} />` : html`<${Arriving} />`}
    </main>
    ${asked.value !== null && html`<${Dialog} ask=${asked.value} />`}
  `
}

function Page() {
  const at = route.value
  // Before anything is painted: what the last page asked for is not this one's.
  useLayoutEffect(() => {
    if (at.page === 'overview') wanted.value = 'all'
    else if (at.page === 'release') wanted.value = null
    else wanted.value = { service: at.service }
    asked.value = null
    notice.value = null
    document.title = titleOf()
  }, [at])
  if (at.page === 'service') return html`<${ServicePage} name=${at.service} key=${at.service} />`
  if (at.page === 'history') return html`<${HistoryPage} service=${at.service} key=${at.service} />`
  if (at.page === 'versions')
    return html`<${VersionsPage} service=${at.service} key=${at.service} />`
  if (at.page === 'cost') return html`<${CostPage} service=${at.service} key=${at.service} />`
  if (at.page === 'release') return html`<${ReleasePage} id=${at.release} key=${at.release} />`
  return html`<${Overview} />`
}

function titleOf(): string {
  const at = route.value
  if (at.page === 'overview') return 'Beryl'
  if (at.page === 'release') return `${at.release} · Beryl`
  return `${at.page === 'service' ? '' : `${at.page} of `}${at.service} · Beryl`
}

/** The way one came: overview, and the page that is shown. */
function Here() {
  const at = route.value
  if (at.page === 'overview') return null
  const name = at.page === 'release' ? at.release : at.page === 'service' ? at.service : at.page
  const service =
    at.page === 'release'
      ? services.value?.[0]?.service
      : at.page === 'service'
        ? undefined
        : at.service
  return html`<nav class="here" aria-label="Where you are">
    <ol>
      <li><a href="/">services</a></li>
      ${service !== undefined && html`<li><a href=${servicePath(service)}>${service}</a></li>`}
      <li aria-current="page">${name}</li>
    </ol>
  </nav>`
}

function Connection() {
  const state = connection.value
  const text = {
    connecting: 'connecting …',
    live: 'live',
    lost: 'connection lost, trying again …',
  }[state]
  return html`<span class=${`connection ${state}`} role="status">
    <svg class="mark" viewBox="0 0 12 12" aria-hidden="true">
      ${state === 'live' ? html`<circle cx="6" cy="6" r="4" />` : html`<path d="M2 2 10 10M10 2 2 10" />`}
    </svg>
    ${text}
  </span>`
}

function Lost() {
  return html`<p class="notice refused">
    Beryl does not answer.
    ${heardAt.value > 0 && `What stands here is as of ${clockTime(heardAt.value, now.value)}. `}Traffic
    and model servers go on without this page.
  </p>`
}

function Who() {
  const current = session.value
  if (current.state !== 'in') return null
  const leave = () =>
    void call('DELETE', '/session')
      .catch(() => {})
      .finally(() => (session.value = { state: 'out' }))
  return html`<span class="who"
    ><span class="who-name">${current.actor} (${current.role})</span>
    <button type="button" class="quiet" onClick=${leave}>Sign out</button></span
  >`
}

function Arriving() {
  return html`<p class="message" role="status">Asking Beryl who you are …</p>`
}
