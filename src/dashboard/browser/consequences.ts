/** What a command will do, said before it is done. Pure: from what the API said last. */
import type { ReleaseView, ServiceView } from '../../api/shapes.ts'
import { count, duration } from './words.ts'

export type Command = keyof ReleaseView['can']

export type Consequence = {
  title: string
  /** One sentence a line. */
  says: string[]
  button: string
  /** `needed`: refused without. */
  reason: 'needed' | 'recorded' | 'none'
  danger: boolean
}

export function consequenceOf(
  command: Command,
  service: ServiceView,
  release: ReleaseView,
): Consequence {
  const { id, version, from } = release
  const names = `${id} (${version})`
  switch (command) {
    case 'rollback':
      return {
        title: `Roll back ${service.service} to ${service.standby?.version ?? from ?? '?'}?`,
        says: [
          `All live traffic leaves ${version} at once, as far as the ready replicas of ${service.standby?.version ?? 'the standby'} carry it. No gate, window or approval is asked.`,
          `What is in flight on ${version} ends there. ${id} ends as rolled-back.`,
          wayBackText(service),
        ],
        button: 'Roll back now',
        reason: 'recorded',
        danger: true,
      }
    case 'promote':
      return {
        title: `Accept ${version} without more evidence?`,
        says: [
          `The watch of ${names} ends now. It is recorded as accepted without evidence, with your name and reason.`,
          from === null
            ? `${version} stays live.`
            : `${version} stays live, and the time of the standby ${from} begins to run.`,
        ],
        button: 'Accept it',
        reason: 'needed',
        danger: false,
      }
    case 'approve':
      return {
        title: `Approve ${version} of ${service.service}?`,
        says: [
          release.phase === 'awaiting-approval'
            ? `If nothing else is waited for, all live traffic moves ${from === null ? '' : `from ${from} `}to ${version} in one step.`
            : `This skips no gate. When ${names} has passed them, your consent counts: then all live traffic moves to ${version}.`,
          'It is void when it is older than the manifest allows (24 hours unless it says otherwise), or when what is released changes.',
        ],
        button: 'Approve',
        reason: 'recorded',
        danger: false,
      }
    case 'abort':
      return {
        title: `Stop the release of ${version}?`,
        says: [
          `${names} ends as aborted, and its replicas are stopped. Live traffic is not touched${service.live === null ? '' : `: ${service.live.version} goes on answering`}.`,
        ],
        button: 'Stop the release',
        reason: 'recorded',
        danger: true,
      }
    case 'retry':
      return {
        title: `Release ${version} again?`,
        says: [
          `A new release of ${version} begins from the first phase. No evidence is carried over from ${id}.`,
          ...inTheWay(service),
        ],
        button: 'Release it again',
        reason: 'none',
        danger: false,
      }
    case 'pause':
      return {
        title: `Pause ${names}?`,
        says: [
          'Forward steps and the time of the standby stand still until somebody resumes. Guard, health and rollback go on.',
        ],
        button: 'Pause',
        reason: 'recorded',
        danger: false,
      }
    case 'resume':
      return {
        title: `Let ${names} go on?`,
        says: ['Forward steps and the time of the standby run again.'],
        button: 'Resume',
        reason: 'recorded',
        danger: false,
      }
  }
}

export function skipConsequence(gate: string, { id, version }: ReleaseView): Consequence {
  return {
    title: `Skip the gate ${gate}?`,
    says: [
      `${id} (${version}) goes on without its verdict. It is recorded as skipped, with your name and reason.`,
      'Identity, readiness and capacity are never skipped.',
    ],
    button: 'Skip this gate',
    reason: 'needed',
    danger: true,
  }
}

function wayBackText({ wayBack }: ServiceView): string {
  const measured =
    wayBack.measuredMs === null ? '' : `; the last move took ${duration(wayBack.measuredMs)}`
  return `The way back now: ${wayBack.because}${measured}.`
}

/** What a new release meets: it waits, ends a standby, or takes a place. */
export function inTheWay({ release, queued }: ServiceView): string[] {
  if (queued !== null) return [`${queued.id} (${queued.version}) waits already.`]
  if (release === null) return []
  if (release.phase === 'stabilizing')
    return [
      `It ends the standby of ${release.id}: there is no way back until the new version is live.`,
    ]
  return [`It waits until ${release.id} (${release.phase}) has ended.`]
}

export function replicasText(ready: number, asked: number): string {
  return asked === 0 && ready === 0
    ? 'no replicas'
    : `${ready} of ${count(Math.max(asked, ready), 'replica')} ready`
}
