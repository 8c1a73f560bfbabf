/** Past releases of a service, newest first. */
import type { ReleaseView } from '../../api/shapes.ts'
import { html } from './html.ts'
import { now } from './live.ts'
import { releasePath } from './route.ts'
import { isEnd } from './story.ts'
import { clockTime, firstLine } from './words.ts'

export function History({ releases }: { releases: readonly ReleaseView[] | null }) {
  if (releases === null) return html`<p class="hint" role="status">Reading the record …</p>`
  if (releases.length === 0)
    return html`<p class="hint">
      No release yet. The first version that passes its gates goes live.
    </p>`
  return html`<table class="history">
    <thead>
      <tr>
        <th scope="col">release</th>
        <th scope="col">version</th>
        <th scope="col">what became of it</th>
        <th scope="col">by</th>
        <th scope="col">begun</th>
      </tr>
    </thead>
    <tbody>
      ${releases.map(
        (release) =>
          html`<tr key=${release.id}>
            <th scope="row"><a href=${releasePath(release.id)}>${release.id}</a></th>
            <td class="version">${release.version}</td>
            <td>
              <span class=${`outcome ${release.phase}`}>${release.phase}</span>
              <span class="clipped">
                ${firstLine(isEnd(release.phase) ? (release.because ?? '') : (release.waitingFor ?? release.because ?? ''))}</span
              >
            </td>
            <td class="by">${release.by}</td>
            <td class="time">${clockTime(release.at, now.value)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`
}
