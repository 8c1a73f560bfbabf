/** Back to the standby: as far as it carries, or all of it now. */
import { signal } from '@preact/signals'
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { call } from './call.ts'
import { consequenceOf } from './consequences.ts'
import { asked, recorded } from './dialog.ts'
import { html } from './html.ts'

export function askForRollback(service: ServiceView, release: ReleaseView): void {
  const hard = signal(false)
  asked.value = {
    ...consequenceOf('rollback', service, release),
    more: () =>
      html`<label class="check">
        <input
          type="checkbox"
          checked=${hard.value}
          onChange=${(event: Event) => (hard.value = (event.currentTarget as HTMLInputElement).checked)}
        />
        Move everything now, whatever is ready: what does not fit waits in the queue, and is refused
        when that is full
      </label>`,
    run: (reason) =>
      recorded(call('POST', `/releases/${release.id}/rollback`, { reason, hard: hard.value })),
  }
}
