/** Which requests may be sent, or kept, a second time: one rule for gateway and examiner. Pure. */

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
  const path = target.split('?', 1)[0]!
  return !exclude.some(
    (one) => path === one || path.startsWith(one.endsWith('/') ? one : `${one}/`),
  )
}
