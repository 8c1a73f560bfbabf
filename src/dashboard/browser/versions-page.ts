/** What is registered, what it does now, and the names people gave it. */
import type { AliasesView, VersionsView } from '../../api/shapes.ts'
import { useAnswer, Waiting } from './answer.ts'
import { Refused } from './call.ts'
import { html } from './html.ts'
import { now, services } from './live.ts'
import { ServiceHead } from './service-nav.ts'
import { clockTime } from './words.ts'

export function VersionsPage({ service }: { service: string }) {
  const live = services.value?.find((one) => one.service === service)
  const stage = `${live?.release?.id} ${live?.release?.phase} ${live?.live?.version} ${live?.versions.length}`
  const at = `/services/${encodeURIComponent(service)}`
  const versions = useAnswer<VersionsView>(`${at}/versions?limit=1000`, stage)
  const aliases = useAnswer<AliasesView>(`${at}/aliases?limit=1000`, stage)
  if (versions === null || versions instanceof Refused)
    return html`<${Waiting} answer=${versions} what=${`the versions of ${service}`} />`
  return html`
    <${ServiceHead} service=${service} page="versions" />
    <section class="card" aria-labelledby="versions-title">
      <h2 id="versions-title">Versions</h2>
      <${Versions} versions=${versions.versions} />
    </section>
    ${aliases !== null && !(aliases instanceof Refused) && html`<${Aliases} aliases=${aliases} />`}
    <p class="hint">
      Names are set by <code>beryl versions</code>, and what differs between two versions is said by
      <code>beryl versions ${service} diff A B</code>.
    </p>
  `
}

export function Versions({ versions }: Pick<VersionsView, 'versions'>) {
  return html`<div class="scrolled" tabindex="0" role="region" aria-label="Versions">
    <table class="figures">
      <thead>
        <tr>
          <th scope="col">version</th>
          <th scope="col">now</th>
          <th scope="col">names</th>
          <th scope="col">notes</th>
          <th scope="col">expected</th>
          <th scope="col">registered</th>
          <th scope="col">digest</th>
        </tr>
      </thead>
      <tbody>
        ${versions.map(
          ({ version, roles, aliases, notes, expects, registeredAt, digest, inManifest }) =>
            html`<tr key=${version}>
              <th scope="row">${version}</th>
              <td>${roles.join(', ') || '—'}${!inManifest && ' (not in the manifest)'}</td>
              <td>${aliases.map((name) => `@${name}`).join(', ') || '—'}</td>
              <td>${notes ?? '—'}</td>
              <td>${expectedText(expects)}</td>
              <td>
                ${registeredAt === null ? 'with its first deploy' : clockTime(registeredAt, now.value)}
              </td>
              <td class="digest" title=${digest ?? ''}>${digest?.slice(0, 19) ?? '—'}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function expectedText(expects: Readonly<Record<string, number>>): string {
  return (
    Object.entries(expects)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ') || '—'
  )
}

export function Aliases({
  aliases: { service, aliases, history, next },
}: {
  aliases: AliasesView
}) {
  return html`<section class="card" aria-labelledby="aliases-title">
    <h2 id="aliases-title">Names</h2>
    ${aliases.length === 0 && html`<p class="hint">No version has a name of its own yet.</p>`}
    <dl class="facts">
      ${aliases.map(
        ({ name, version, computed }) =>
          html`<div>
            <dt>@${name}</dt>
            <dd>${version}${computed && ' (always: by what is live)'}</dd>
          </div>`,
      )}
    </dl>
    ${
      history.length > 0 &&
      html`<details>
        <summary>What they meant before</summary>
        <ol class="plain">
          ${history.map(
            ({ name, from, to, at, by, reason }) =>
              html`<li>
                ${clockTime(at, now.value)} @${name}: ${from ?? 'nothing'} → ${to ?? 'nothing'}, by
                ${by}${reason !== null && `: ${reason}`}
              </li>`,
          )}
        </ol>
        ${
          next !== null &&
          html`<p class="hint">
            The ${history.length} newest; <code>beryl versions ${service} alias</code> lists all.
          </p>`
        }
      </details>`
    }
  </section>`
}
