/** Contract §4. */
import type { ReleaseView } from '../api/shapes.ts'

export const exitCodes = {
  done: 0,
  error: 1,
  usage: 2,
  rejected: 3,
  rolledBack: 4,
  undecided: 5,
} as const

export function codeOf({ phase }: ReleaseView): number {
  if (phase === 'stabilizing' || phase === 'finished' || phase === 'verified') return exitCodes.done
  if (phase === 'rejected') return exitCodes.rejected
  if (phase === 'rolled-back') return exitCodes.rolledBack
  if (phase === 'aborted') return exitCodes.error
  return exitCodes.undecided
}
