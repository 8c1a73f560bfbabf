/** A view as one role sees it: commands that it may not give are refused in `can`, whatever the release would allow. Pure. */
import { refusalsOf } from './rights.ts'
import type { Role } from './rights.ts'
import type { ReleaseView, ServiceView } from './shapes.ts'

export function serviceSeenBy(role: Role, view: ServiceView): ServiceView {
  const refusals = refusalsOf(role)
  if (Object.keys(refusals).length === 0) return view
  return {
    ...view,
    can: { ...view.can, ...refusals },
    release: view.release && releaseSeenBy(role, view.release),
    queued: view.queued && releaseSeenBy(role, view.queued),
  }
}

export function releaseSeenBy(role: Role, view: ReleaseView): ReleaseView {
  const { deploy: _, ...refusals } = refusalsOf(role)
  if (Object.keys(refusals).length === 0) return view
  return { ...view, can: { ...view.can, ...refusals } }
}
