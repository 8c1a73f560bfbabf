/** One release, explained: what it was, what every gate and the guard said, and each event of its record. */
import { useEffect, useState } from 'preact/hooks'
import type { Event, ReleaseView } from '../../api/shapes.ts'
import { ReleaseActions } from './actions.ts'
import { call, Refused } from './call.ts'
import { ReleaseCurves } from './curves.ts'
import { Disagreements } from './disagreements.ts'
import { Evidence } from './evidence.ts'
import { Cost } from './facts.ts'
import { Gates } from './gates.ts'
import { html } from './html.ts'
import { now, services, wanted } from './live.ts'
import { Missing } from './missing.ts'
import { PhaseText, ReleaseLine, Spoken } from './release-line.ts'
import { servicePath } from './route.ts'
import { clockTime, count, duration, firstLine, otherLines } from './words.ts'

type Report = { release: ReleaseView; events: readonly Event[]; next: string | null }

export function ReleasePage({ id }: { id: string }) {
  const service = services.value?.[0]
  // While it goes on it comes with its service; afterwards it stays as the record has it.
  const active = [service?.release, service?.queued].find((one) => one?.id === id)
  const stage = `${active?.phase} ${active?.gates.filter(({ state }) => state === 'decided').length} ${active?.paused?.at}`
  const { report, more } = useReport(id, stage)
  if (report === null)
    return html`<p class="message" role="status">Reading the record of ${id} …</p>`
  if (report instanceof Refused) return html`<${Missing} refused=${report} />`
  const release = active ?? report.release
  return html`
    <div class="head">
      <h1 tabindex="-1">Release ${release.id}</h1>
      <p class="address">
        ${kinds[release.kind]} ${release.from !== null && `${release.from} → `}${release.version} of
        <a href=${servicePath(release.service)}>${release.service}</a>, asked for by ${release.by},
        ${clockTime(release.at, now.value)}
      </p>
    </div>
    <${Spoken} release=${release} />
    <div class="columns">
      <div class="main-column">
        <section class="card" aria-labelledby="phase-title">
          <h2 id="phase-title">What became of it</h2>
          <${PhaseText} release=${release} />
          <${ReleaseLine} release=${release} />
          <${Gates} release=${release} />
        </section>
        <${Evidence} release=${release} />
        <${ReleaseCurves} release=${release} />
        <${Disagreements} release=${release} />
      </div>
      <div class="side-column">
        ${
          service !== undefined &&
          html`<section class="card act" aria-labelledby="act-title">
            <h2 id="act-title">What you can do</h2>
            <${ReleaseActions} service=${service} release=${release} />
          </section>`
        }
        <${Figures} release=${release} />
        <${Cost} release=${release} />
      </div>
    </div>
    <section class="card" aria-labelledby="record-title">
      <h2 id="record-title">The record</h2>
      <${Record} events=${report.events} />
      ${
        more !== null &&
        html`<p class="more"><button type="button" onClick=${more}>Later ones</button></p>`
      }
      <p class="hint">
        To keep or to send on: <${Download} id=${release.id} format="html">a page</${Download}>, or
        <${Download} id=${release.id} format="json">JSON</${Download}>.
      </p>
    </section>
  `
}

/** The record only grows: each time it is read on from where it was. A page of it at a time. */
function useReport(id: string, stage: string) {
  const [report, setReport] = useState<Report | Refused | null>(null)
  const [asked, setAsked] = useState(0)
  const last = report === null || report instanceof Refused ? 0 : (report.events.at(-1)?.id ?? 0)
  useEffect(() => {
    let isOver = false
    const took = (came: Report) => {
      if (isOver) return
      setReport((old) =>
        old === null || old instanceof Refused ? came : { ...came, events: joined(old, came) },
      )
      if (wanted.value === null) wanted.value = { service: came.release.service }
    }
    const failed = (refused: Refused) => {
      if (!isOver) setReport((old) => old ?? refused)
    }
    const from = `/releases/${encodeURIComponent(id)}/report?after=${last}`
    void call<Report>('GET', from).then(took, failed)
    return () => void (isOver = true)
  }, [id, stage, asked])
  const isMore = report !== null && !(report instanceof Refused) && report.next !== null
  return { report, more: isMore ? () => setAsked((times) => times + 1) : null }
}

/** Each once, in order. */
function joined({ events }: Report, came: Report): readonly Event[] {
  const last = events.at(-1)?.id ?? 0
  return [...events, ...came.events.filter((event) => event.id > last)]
}

function Download({ id, format, children }: { id: string; format: string; children: unknown }) {
  return html`<a href=${`/api/v1/releases/${encodeURIComponent(id)}/report.${format}`} download
    >${children}</a
  >`
}

const kinds: Record<ReleaseView['kind'], string> = {
  deploy: 'deploy',
  verify: 'verify',
  rollback: 'rollback to an older version:',
}

function Figures({ release }: { release: ReleaseView }) {
  const { switched, rolledBack, approvals, feedback, digest } = release
  return html`<section class="card" aria-labelledby="figures-title">
    <h2 id="figures-title">Figures</h2>
    <dl class="facts">
      ${
        switched !== null &&
        html`<div>
          <dt>switched</dt>
          <dd>
            ${clockTime(switched.at, now.value)}, ${duration(switched.tookMs)} after the decision
          </dd>
        </div>`
      }
      ${
        rolledBack !== null &&
        html`<div>
          <dt>rolled back</dt>
          <dd>
            by ${rolledBack.by}, decided ${duration(rolledBack.detectMs)} after the switch, done
            ${duration(rolledBack.tookMs)} later
          </dd>
        </div>`
      }
      ${approvals.map(
        ({ by, at, reason }) =>
          html`<div>
            <dt>approved</dt>
            <dd>by ${by}, ${clockTime(at, now.value)}${reason === null ? '' : `: ${reason}`}</dd>
          </div>`,
      )}
      ${feedback.map(
        ({ kind, count: said, mean }) =>
          html`<div>
            <dt>${kind}</dt>
            <dd>${count(said, 'answer')}${mean !== null && `, mean ${mean.toFixed(2)}`}</dd>
          </div>`,
      )}
      <div>
        <dt>digest</dt>
        <dd class="digest">${digest}</dd>
      </div>
    </dl>
  </section>`
}

function Record({ events }: { events: readonly Event[] }) {
  return html`<ol class="record">
    ${events.map(
      ({ id, at, kind, by, text }) =>
        html`<li key=${id} class=${`event-${kind}`}>
          <time datetime=${new Date(at).toISOString()}>${clockTime(at, now.value)}</time>
          <span class="kind">${kind}</span>
          <span class="text"
            >${firstLine(text)}${
              otherLines(text) !== '' &&
              html`<details>
                <summary>the lines behind it</summary>
                <pre>${otherLines(text)}</pre>
              </details>`
            }</span
          >
          <span class="by">${by}</span>
        </li>`,
    )}
  </ol>`
}
