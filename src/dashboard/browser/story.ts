/** A release as a line of phases: those it went through, where it is, and those still before it. Pure. */
import type { ReleaseView } from '../../api/shapes.ts'

type Phase = ReleaseView['phase']

export type Step = {
  phase: Phase
  /** `bad`: there it went wrong, or ended as nobody wanted. */
  state: 'done' | 'now' | 'ahead' | 'good' | 'bad'
  /** In it since, wall time in ms; null before. */
  at: number | null
  /** How long it took, ms; null while it lasts. */
  tookMs: number | null
}

const way: readonly Phase[] = [
  'queued',
  'provisioning',
  'warming',
  'verifying',
  'awaiting-approval',
  'switching',
  'watching',
  'stabilizing',
  'finished',
]

export function stepsOf(release: ReleaseView): Step[] {
  const entered = release.phases.map(({ phase, at }, index): Step => {
    const next = release.phases[index + 1]
    const isLast = next === undefined
    return {
      phase,
      state: isLast ? stateOf(release) : wentWrong(release, next.phase) ? 'bad' : 'done',
      at,
      tookMs: isLast ? null : next.at - at,
    }
  })
  const ahead = phasesAhead(release).map((phase): Step => ({
    phase,
    state: 'ahead',
    at: null,
    tookMs: null,
  }))
  return [...entered, ...ahead]
}

export function isEnd(phase: Phase): boolean {
  return ['finished', 'verified', 'rejected', 'aborted', 'rolled-back'].includes(phase)
}

/** It left for an end that nobody wanted, or for the way back. */
function wentWrong({ endsAs }: ReleaseView, next: Phase): boolean {
  return (
    next === 'rolling-back' ||
    (next === 'clearing' &&
      endsAs !== 'finished' &&
      endsAs !== 'verified' &&
      endsAs !== 'rolled-back')
  )
}

function stateOf({ phase }: ReleaseView): Step['state'] {
  if (!isEnd(phase)) return 'now'
  return phase === 'finished' || phase === 'verified' ? 'good' : 'bad'
}

function phasesAhead({ phase, kind, from, endsAs }: ReleaseView): readonly Phase[] {
  if (isEnd(phase)) return []
  if (phase === 'clearing') return [endsAs as Phase]
  if (phase === 'rolling-back') return ['rolled-back']
  const rest = way.slice(way.indexOf(phase) + 1)
  if (kind === 'verify')
    return [...rest.slice(0, Math.max(0, rest.indexOf('awaiting-approval'))), 'verified']
  // A first release has no old version to keep.
  return rest.filter((one) => one !== 'stabilizing' || from !== null)
}
