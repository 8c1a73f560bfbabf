/** What a person does now with a release, in one line: the same in the CLI and in notifications. */
import type { ReleaseView } from './shapes.ts'

export function nextStep(
  release: Pick<ReleaseView, 'id' | 'phase' | 'service' | 'version' | 'from' | 'waitingFor'>,
): string {
  const { id, phase, service, version, waitingFor } = release
  if (phase === 'rejected')
    return `mend it under a new version name and deploy that, or beryl retry ${id} (what was at fault was outside of ${version})`
  if (phase === 'aborted') return `beryl retry ${id}, or beryl deploy ${service} VERSION`
  if (phase === 'rolled-back') return `beryl history ${service}`
  if (phase === 'stabilizing') return `beryl rollback ${service}   (while the standby is kept)`
  if (phase === 'verified') return `beryl deploy ${service} ${version} --wait`
  if (phase === 'finished') return `beryl status ${service}`
  if (waitingFor?.startsWith('`unfreeze'))
    return `beryl ${waitingFor.slice(1, waitingFor.indexOf('`', 1))}`
  if (waitingFor?.startsWith('approval')) return `beryl approve ${id}`
  if (waitingFor?.startsWith('a person'))
    return `beryl approve ${id} --force GATE --reason WHY, or beryl abort ${id}`
  if (waitingFor?.startsWith('`promote`'))
    return `beryl promote ${id} --reason WHY${release.from === null ? '' : `, or beryl rollback ${service}`}`
  if (['switching', 'watching'].includes(phase) && release.from !== null)
    return `beryl status ${service}, or beryl rollback ${service}`
  return `beryl status ${service}`
}
