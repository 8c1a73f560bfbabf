/** Which requests may be sent, or kept, a second time: one rule for gateway and examiner. Pure. */
import { isUnder, plainPath } from './plain-path.ts'

/** By the signed id: whoever knows the id can say whether it was copied. The tag is as good as chance, and nobody can choose it. */
export function pointOf(requestId: string): number {
  return Number.parseInt(requestId.slice(-8), 16) / 2 ** 32
}

/** Paths with all that lies under them. */
export type CopyRules = { methods: readonly string[]; exclude: readonly string[] }

/** A copy may have effects: only what the service allows is copied (rulings §15). */
export function mayBeCopied(
  { methods, exclude }: CopyRules,
  { method, target, upgrade = false }: { method: string; target: string; upgrade?: boolean },
): boolean {
  if (upgrade || !methods.includes(method)) return false
  if (exclude.length === 0) return true
  // However it is written; what cannot be read may be anything.
  const path = plainPath(target)
  return path !== null && !exclude.some((one) => isUnder(path, plainPath(one) ?? one))
}
