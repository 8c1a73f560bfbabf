/** What an edited manifest changes, and when each change takes effect (rulings §13). As written: secrets by name, never by value. Pure. */
import type { ManifestText } from './manifest.ts'

export type Change = {
  /** e.g. `services.chat.route.path` */
  path: string
  /** Undefined: it was not there, or is not there any more. */
  from?: unknown
  to?: unknown
  when: 'now' | 'next release' | 'next start' | 'refused'
  /** Why it is refused, or waits. */
  because?: string
}

/** What the running Beryl has of a service. */
export type InUse = {
  /** Live, standby, being released or waiting for it. */
  versions: readonly string[]
  /** Deployed once: such a version never changes. */
  registered: readonly string[]
  /** Replicas can be added to what is live, or taken away: it is live, and nothing is being released. */
  mayScale: boolean
}

type Difference = { path: string[]; from?: unknown; to?: unknown }

export function changesBetween(
  before: ManifestText,
  after: ManifestText,
  inUse: (service: string) => InUse,
): Change[] {
  return differences(before, after, []).map(({ path, ...values }) => ({
    path: path.join('.'),
    ...values,
    ...effectOf(path, values, inUse),
  }))
}

/** Mappings are compared key by key, everything else as a whole; so is what is there on one side only. */
function differences(from: unknown, to: unknown, path: string[]): Difference[] {
  if (isMapping(from) && isMapping(to))
    return [...new Set([...Object.keys(from), ...Object.keys(to)])].flatMap((key) =>
      differences(from[key], to[key], [...path, key]),
    )
  if (JSON.stringify(from) === JSON.stringify(to)) return []
  return [
    {
      path,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
    },
  ]
}

const atOnce: readonly string[] = ['route', 'requests', 'capture', 'budget', 'retention']

function effectOf(
  [root, service, key, name, field]: readonly string[],
  { to }: { to?: unknown },
  inUse: (service: string) => InUse,
): Pick<Change, 'when' | 'because'> {
  if (root === 'releases') return { when: 'now' }
  if (root !== 'services' || service === undefined)
    return { when: 'next start', because: 'read once, when `beryl up` starts' }
  if (key === undefined)
    return to === undefined
      ? { when: 'refused', because: 'removing a service is not built yet: put it back' }
      : { when: 'now' }
  if (key === 'versions') return ofVersion(inUse(service), name, field, to)
  if (key === 'environment' && name === 'replicas')
    return inUse(service).mayScale
      ? { when: 'now', because: 'added before removed' }
      : { when: 'next release', because: 'nothing is scaled while a release is under way' }
  return { when: atOnce.includes(key) ? 'now' : 'next release' }
}

function ofVersion(
  { versions, registered }: InUse,
  name: string | undefined,
  field: string | undefined,
  to: unknown,
): Pick<Change, 'when' | 'because'> {
  if (name === undefined) return { when: 'now' }
  if (to === undefined && field === undefined)
    return versions.includes(name)
      ? { when: 'refused', because: `${name} is live, standby or being released: put it back` }
      : { when: 'now' }
  if (field === undefined) return { when: 'now', because: 'it can be deployed' }
  if (field === 'notes' || field === 'expects' || field === 'source')
    return { when: 'next release' }
  return registered.includes(name)
    ? { when: 'refused', because: 'a version never changes: give the new one a name of its own' }
    : { when: 'now' }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
