/** What was just done, or could not be: said where it is seen and heard, until it is put away. */
import { signal } from '@preact/signals'
import type { Refused } from './call.ts'
import { html } from './html.ts'

type Said = { kind: 'done' | 'refused'; text: string; hint?: string | undefined }

export const notice = signal<Said | null>(null)

export function sayRefused({ problem }: Refused): void {
  notice.value = { kind: 'refused', text: problem.title, hint: problem.hint }
}

export function Notice() {
  const said = notice.value
  return html`<div class="notice-place" role=${said?.kind === 'refused' ? 'alert' : 'status'}>
    ${
      said !== null &&
      html`<div class=${`notice ${said.kind}`}>
        <p>${said.text}${said.hint !== undefined && html`<br /><small>${said.hint}</small>`}</p>
        <button type="button" class="quiet" onClick=${() => (notice.value = null)}>Put away</button>
      </div>`
    }
  </div>`
}
