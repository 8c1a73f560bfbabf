/** What may be the name of an alias, and how one is told from a version: `@champion`. Pure. */
import { nearest } from '../config/nearest.ts'

/** Answered by Beryl from what is live; nobody sets them. */
export const computed = ['live', 'previous'] as const
export type Computed = (typeof computed)[number]

/** Words of Beryl's own: a name that looks like a role and is none would mislead. */
const reserved: readonly string[] = [
  ...computed,
  'standby',
  'candidate',
  'queued',
  'latest',
  'none',
]

/** Of the name without its `@`. */
const wellFormed = /^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/

export type Complaint = { code: string; title: string; hint: string }

/** `@champion` → `champion`; null: it is a version. No version's name begins with `@`. */
export function aliasIn(asked: string): string | null {
  return asked.startsWith('@') ? asked.slice(1) : null
}

export function isComputed(name: string): name is Computed {
  return (computed as readonly string[]).includes(name)
}

/** Why this cannot be the name of an alias; null: it can. @param versions of the service */
export function complaintOf(name: string, versions: readonly string[]): Complaint | null {
  if (reserved.includes(name))
    return {
      code: 'alias-reserved',
      title: `@${name} is a word of Beryl's own${isComputed(name) ? ', and always says what is true' : ''}`,
      hint: 'take another name, such as champion',
    }
  if (!wellFormed.test(name))
    return {
      code: 'alias-malformed',
      title: `expected a name of lower-case letters, digits and dashes, at most 40, a letter first; came ${JSON.stringify(name.slice(0, 60))}`,
      hint: 'take another name, such as champion',
    }
  if (versions.includes(name))
    return {
      code: 'alias-is-version',
      title: `${name} is the name of a version: @${name} would be read as that`,
      hint: 'take another name, such as champion',
    }
  return null
}

export function noSuchAlias(service: string, name: string, own: readonly string[]): Complaint {
  const all = [...computed, ...own]
  return {
    code: 'no-such-alias',
    title: `${service} has no alias @${name}${nearest(name, all)}`,
    hint: `aliases: ${all.map((one) => `@${one}`).join(', ')}; set one with beryl versions ${service} alias NAME VERSION`,
  }
}

type Place = { version: string; release: string }

/**
 * The version that `@previous` means: what was live before the live one was first released. What was left by a rollback is not
 * gone back to: after v1 → v2 → back to v1, it is what was live before v1.
 *
 * @param releaseOf null for a release that nobody knows any more
 */
export function previousOf(
  live: Place,
  releaseOf: (id: string) => { kind: string; from: Place | null } | null,
): string | null {
  // A release of the kind `rollback` brought an older version back: the chain is followed to where that one came from.
  let isBack = releaseOf(live.release)?.kind === 'rollback'
  // A record that leads in a circle must not hold up the controller.
  const seen = new Set<string>()
  for (let at = live; !seen.has(at.release);) {
    seen.add(at.release)
    const before = releaseOf(at.release)?.from ?? null
    if (before === null) return null
    const isSame = before.version === live.version
    if (!isBack && !isSame) return before.version
    if (isSame) isBack = releaseOf(before.release)?.kind === 'rollback'
    at = before
  }
  return null
}
