/** What may be asked for now; what may not is greyed and says why. */
import { useState } from 'preact/hooks'
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { call } from './call.ts'
import { consequenceOf, skipConsequence } from './consequences.ts'
import type { Command } from './consequences.ts'
import { askForDeploy } from './deploy.ts'
import { askForRollback } from './rollback.ts'
import { asked, recorded } from './dialog.ts'
import { askToFreeze, askToLift, freezeRefusals } from './freeze.ts'
import { html } from './html.ts'

type Action = Command | 'deploy' | 'freeze' | 'unfreeze'

const words: Record<Action, string> = {
  deploy: 'Deploy …',
  freeze: 'Freeze …',
  unfreeze: 'Lift the freeze …',
  approve: 'Approve',
  promote: 'Promote',
  pause: 'Pause',
  resume: 'Resume',
  abort: 'Abort',
  rollback: 'Roll back',
  retry: 'Retry',
}

export function ServiceActions({ service }: { service: ServiceView }) {
  const { release, can } = service
  const pausing: Command = can.resume === null ? 'resume' : 'pause'
  const freezing = service.frozen.some((one) => one.service !== null) ? 'unfreeze' : 'freeze'
  return html`<${Actions}
    service=${service}
    release=${release}
    can=${{ ...can, ...freezeRefusals(service, service.service) }}
    commands=${['deploy', 'approve', 'promote', pausing, 'abort', freezing, 'rollback']}
  />`
}

export function ReleaseActions({
  service,
  release,
}: {
  service: ServiceView
  release: ReleaseView
}) {
  const pausing: Command = release.can.resume === null ? 'resume' : 'pause'
  const commands = ['approve', 'promote', pausing, 'abort', 'rollback', 'retry'] as Command[]
  return html`<${Actions}
    service=${service}
    release=${release}
    can=${release.can}
    commands=${commands}
  />`
}

type Shown = {
  service: ServiceView
  release: ReleaseView | null
  can: Partial<Record<Action, string | null>>
  commands: readonly Action[]
}

function Actions({ service, release, can, commands }: Shown) {
  const [pointedAt, setPointedAt] = useState<Action | null>(null)
  const one = (command: Action) => {
    const isRefused = can[command] !== null
    const point = () => setPointedAt(command)
    return html`<button
      type="button"
      class=${command === 'rollback' ? 'danger' : command === 'deploy' ? 'primary' : ''}
      aria-disabled=${isRefused}
      aria-describedby=${isRefused ? `why-${command}` : undefined}
      onClick=${() => (isRefused ? point() : askFor(command, service, release))}
      onFocus=${point}
      onMouseEnter=${point}
    >
      ${words[command]}
    </button>`
  }
  const why = pointedAt === null ? null : can[pointedAt]
  return html`<div class="actions" onMouseLeave=${() => setPointedAt(null)}>
    <div class="buttons" role="group" aria-label="What may be asked for">${commands.map(one)}</div>
    <p class="why" aria-hidden="true">${why ?? 'What is greyed says why when it is pointed at.'}</p>
    ${commands.map((command) => html`<p class="unseen" id=${`why-${command}`}>${can[command]}</p>`)}
  </div>`
}

function askFor(command: Action, service: ServiceView, release: ReleaseView | null): void {
  if (command === 'deploy') return askForDeploy(service)
  if (command === 'freeze') return askToFreeze(service.service)
  if (command === 'unfreeze') return askToLift(service.service)
  // Without a release each of them is refused.
  if (release === null) return
  if (command === 'rollback') return askForRollback(service, release)
  const consequence = consequenceOf(command, service, release)
  asked.value = {
    ...consequence,
    run: (reason) =>
      recorded(
        call(
          'POST',
          `/releases/${release.id}/${command}`,
          consequence.reason === 'none' ? {} : { reason },
        ),
      ),
  }
}

export function askToSkip(gate: string, release: ReleaseView): void {
  asked.value = {
    ...skipConsequence(gate, release),
    run: (reason) => recorded(call('POST', `/releases/${release.id}/approve`, { reason, gate })),
  }
}
