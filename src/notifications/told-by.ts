/** An entry of the record → what it is told as; most are told to nobody. */
import type { Told } from '../config/notifications.ts'
import type { NewEvent } from '../storage/events.ts'

const phases: readonly string[] = [
  'rolling-back',
  'rolled-back',
  'rejected',
  'aborted',
  'finished',
  'verified',
] satisfies Told[]

export function toldBy({ kind, data }: Pick<NewEvent, 'kind' | 'data'>): Told | null {
  switch (kind) {
    case 'phase':
      return phases.includes(String(data['phase'])) ? (data['phase'] as Told) : null
    case 'routing':
      return data['change'] === 'switch' ? 'switched' : data['change'] === 'step' ? 'step' : null
    case 'command':
      if (data['command'] === 'freeze' || data['command'] === 'unfreeze') return 'frozen'
      // A new release has a digest; other commands are about one that was told of.
      return data['digest'] === undefined ? null : 'deployed'
    case 'waiting':
      return 'waiting'
    case 'alarm':
    case 'replica':
      return 'alarm'
    default:
      return null
  }
}
