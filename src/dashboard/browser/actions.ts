/** What may be asked for now; what may not is greyed and says why. */
import { useState } from 'preact/hooks'
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { call } from './call.ts'
import { consequenceOf, skipConsequence } from './consequences.ts'
import type { Command } from './consequences.ts'
import { askForDeploy } from './deploy.ts'
import { asked } from './dialog.ts'
import { html } from './html.ts'

const words: Record<Command | 'deploy', string> = {
  deploy: 'Deploy …',
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
  return html`<${Actions}
    service=${service}
    release=${release}
    can=${can}
    commands=${['deploy', 'approve', 'promote', pausing, 'abort', 'rollback']}
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
  can: Partial<ServiceView['can']>
  commands: readonly (Command | 'deploy')[]
}

function Actions({ service, release, can, commands }: Shown) {
  const [pointedAt, setPointedAt] = useState<Command | 'deploy' | null>(null)
  const one = (command: Command | 'deploy') => {
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

function askFor(
  command: Command | 'deploy',
  service: ServiceView,
  release: ReleaseView | null,
): void {
  if (command === 'deploy') return askForDeploy(service)
  // Without a release each of them is refused.
  if (release === null) return
  const consequence = consequenceOf(command, service, release)
  asked.value = {
    ...consequence,
    run: (reason) =>
      call(
        'POST',
        `/releases/${release.id}/${command}`,
        consequence.reason === 'none' ? {} : { reason },
      ),
  }
}

export function askToSkip(gate: string, release: ReleaseView): void {
  asked.value = {
    ...skipConsequence(gate, release),
    run: (reason) => call('POST', `/releases/${release.id}/approve`, { reason, gate }),
  }
}
