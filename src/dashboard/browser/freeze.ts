/** Nothing moves forward meanwhile, of one service or of all; a way back always may. */
import { signal } from '@preact/signals'
import type { FreezeView, ServiceView } from '../../api/shapes.ts'
import { call } from './call.ts'
import { asked } from './dialog.ts'
import { html } from './html.ts'

const hourS = 3600
const lengths: readonly [name: string, seconds: number | null][] = [
  ['until somebody lifts it', null],
  ['for an hour', hourS],
  ['for 8 hours', 8 * hourS],
  ['for a day', 24 * hourS],
  ['for 3 days', 72 * hourS],
  ['for a week', 168 * hourS],
]

/**
 * What would be said now to who asks it of this service, or of everything (null). The role that it needs is the one that a deploy
 * needs, and that is the API's to say: a deploy may always be asked for by whoever has it.
 */
export function freezeRefusals(
  { frozen, can }: Pick<ServiceView, 'frozen' | 'can'>,
  service: string | null,
): { freeze: string | null; unfreeze: string | null } {
  const refusal = (what: string) => can.deploy?.replace('deploy needs', `${what} needs`) ?? null
  const isFrozen = frozen.some((one) => one.service === service)
  return {
    freeze: refusal('freeze'),
    unfreeze:
      refusal('unfreeze') ??
      (isFrozen ? null : `${service ?? 'everything'} is not frozen by itself`),
  }
}

export function askToFreeze(service: string | null): void {
  const length = signal(0)
  const path = service === null ? '/freeze' : `/services/${encodeURIComponent(service)}/freeze`
  asked.value = {
    title: `Freeze ${service ?? 'everything'}?`,
    says: [
      `No traffic of ${service ?? 'any service'} moves forward meanwhile: releases run their gates, and wait before the switch.`,
      'A rollback is never held, by whomever or by the guard.',
    ],
    more: () =>
      html`<label for="length">How long</label>
        <select
          id="length"
          value=${length.value}
          onChange=${(event: Event) => (length.value = Number((event.currentTarget as HTMLSelectElement).value))}
        >
          ${lengths.map(([name], index) => html`<option value=${index}>${name}</option>`)}
        </select>`,
    button: 'Freeze it',
    reason: 'needed',
    danger: false,
    run: async (reason) => {
      const forS = lengths[length.value]![1]
      await call<FreezeView>('POST', path, { reason, forS })
      return `${service ?? 'everything'} is frozen`
    },
  }
}

export function askToLift(service: string | null): void {
  const path = service === null ? '/freeze' : `/services/${encodeURIComponent(service)}/freeze`
  asked.value = {
    title: `Lift the freeze of ${service ?? 'everything'}?`,
    says: ['What waited for it goes on, if nothing else is waited for: traffic may move at once.'],
    button: 'Lift it',
    reason: 'none',
    danger: false,
    run: async () => {
      await call<FreezeView>('DELETE', path)
      return `${service ?? 'everything'} is not frozen any more`
    },
  }
}
