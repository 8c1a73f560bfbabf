/** What was asked for is not there. */
import type { Refused } from './call.ts'
import { html } from './html.ts'

export function Missing({ refused: { problem } }: { refused: Refused }) {
  return html`<div class="card" role="alert">
    <h1 tabindex="-1">${problem.status === 404 ? 'Not here' : 'That did not work'}</h1>
    <p>${problem.title}</p>
    ${problem.hint !== undefined && html`<p class="hint">${problem.hint}</p>`}
    <p><a href="/">All services</a></p>
  </div>`
}
