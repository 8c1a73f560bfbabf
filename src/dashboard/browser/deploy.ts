/** A release begins: which version, and what it would take, by `plan`. */
import { signal } from '@preact/signals'
import type { Signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { PlanView, ServiceView } from '../../api/shapes.ts'
import { call, Refused } from './call.ts'
import { inTheWay } from './consequences.ts'
import { asked, recorded } from './dialog.ts'
import { html } from './html.ts'
import { cost, count, duration } from './words.ts'

export function askForDeploy(service: ServiceView): void {
  const choice: Choice = {
    version: signal(firstChoice(service)),
    isWayBack: signal(false),
    replaces: signal(false),
    keepsStandby: signal(false),
  }
  const path = `/services/${encodeURIComponent(service.service)}`
  asked.value = {
    title: `Deploy a version of ${service.service}`,
    says: inTheWay(service),
    more: () => html`<${Choose} service=${service} choice=${choice} />`,
    button: 'Deploy',
    reason: 'none',
    danger: false,
    run: () => {
      const version = choice.version.value
      const [replace, keepStandby] = [choice.replaces.value, choice.keepsStandby.value]
      return recorded(
        choice.isWayBack.value
          ? call('POST', `${path}/rollback`, { to: version })
          : call('POST', `${path}/releases`, { version, replace, keepStandby }),
      )
    },
  }
}

type Choice = {
  version: Signal<string>
  /** An older version that is wanted back: as a release of its own, with readiness, identity and warm-up only. */
  isWayBack: Signal<boolean>
  /** It takes the place of the one that waits. */
  replaces: Signal<boolean>
  /** It waits for the end of the standby, instead of ending it. */
  keepsStandby: Signal<boolean>
}

/** The last that is named and not live; of a service that begins, the first. */
function firstChoice({ versions, live }: ServiceView): string {
  const others = versions.filter(({ version }) => version !== live?.version)
  const choice = live === null ? others[0] : others.at(-1)
  return (choice ?? versions[0])?.version ?? ''
}

function Choose({ service, choice }: { service: ServiceView; choice: Choice }) {
  const { version: chosen, isWayBack, replaces, keepsStandby } = choice
  const { release, queued } = service
  return html`<label for="version">Version</label>
    <select
      id="version"
      value=${chosen.value}
      onChange=${(event: Event) => (chosen.value = (event.currentTarget as HTMLSelectElement).value)}
    >
      ${service.versions.map(
        ({ version, notes }) =>
          html`<option value=${version}>
            ${version}${version === service.live?.version ? ' (live)' : ''}${notes === null ? '' : `: ${notes}`}
          </option>`,
      )}
    </select>
    ${
      service.live !== null &&
      html`<${Check} value=${isWayBack}
        >It is a way back: take readiness, identity and warm-up only<//
      >`
    }
    ${
      queued !== null &&
      !isWayBack.value &&
      html`<${Check} value=${replaces}
        >It takes the place of ${queued.id} (${queued.version}), which waits; else it is refused<//
      >`
    }
    ${
      release?.phase === 'stabilizing' &&
      !isWayBack.value &&
      html`<${Check} value=${keepsStandby}
        >Wait until the standby has had its time, and keep the way back until then<//
      >`
    }
    <${Plan} service=${service.service} version=${chosen.value} />`
}

function Check({ value, children }: { value: Signal<boolean>; children?: ComponentChildren }) {
  return html`<label class="check">
    <input
      type="checkbox"
      checked=${value.value}
      onChange=${(event: Event) => (value.value = (event.currentTarget as HTMLInputElement).checked)}
    />
    <span>${children}</span>
  </label>`
}

const plan = signal<{ of: string; view: PlanView } | { of: string; refused: Refused } | null>(null)

function Plan({ service, version }: { service: string; version: string }) {
  const of = `/services/${encodeURIComponent(service)}/plan/${encodeURIComponent(version)}`
  useEffect(() => {
    void call<PlanView>('GET', of).then(
      (view) => (plan.value = { of, view }),
      (refused: Refused) => (plan.value = { of, refused }),
    )
  }, [of])
  const known = plan.value
  if (known?.of !== of) return html`<p class="plan hint">Asking what it would take …</p>`
  if ('refused' in known)
    return html`<p class="refusal">
      ${known.refused.problem.title}<br /><small>${known.refused.problem.hint}</small>
    </p>`
  return html`<dl class="plan facts">
    ${factsOf(known.view).map(
      ([name, text]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${text}</dd>
        </div>`,
    )}
  </dl>`
}

export function factsOf(view: PlanView): [name: string, text: string][] {
  const { gates, approval, capacity, toSwitchMs, measured, watch, standbyS } = view
  const facts: [string, string][] = [
    ['from', view.from ?? 'nothing: this is the first release'],
    ['gates', `${gates.join(', ') || 'none'}${approval ? '; then a person approves' : ''}`],
    [
      'beside',
      `${count(capacity.replicas, 'more replica')}${capacity.gpus > 0 ? `, ${count(capacity.gpus, 'GPU')}` : ''}`,
    ],
    [
      'to the switch',
      toSwitchMs === null
        ? 'not known yet'
        : `${duration(toSwitchMs)}, as ${count(measured, 'release')} took`,
    ],
    [
      'watch',
      `${duration(watch.atLeastS * 1000)} at least, ${duration(watch.atMostS * 1000)} at most`,
    ],
    ['standby', view.from === null ? 'none to keep' : `kept for ${duration(standbyS * 1000)}`],
  ]
  if (view.cost !== null) facts.push(['cost', `${cost(view.cost)} at least`])
  return facts
}
