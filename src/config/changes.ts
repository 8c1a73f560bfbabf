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
  /** Of each version that is in use, what it is now. */
  roles: Readonly<Record<string, 'live' | 'standby' | 'being released'>>
  /** Registered once: such a version never changes. */
  registered: readonly string[]
  /** Added beside the manifest: they stay where the manifest does not name them. */
  beside: readonly string[]
  /** The edited manifest gives this name to something else than what was registered by it. */
  taken: readonly string[]
  /** Replicas can be added to what is live, or taken away: it is live, and nothing is being released. */
  mayScale: boolean
  /** Of the release that has to end before something of the service may go, with its phase; null: none. */
  underWay: string | null
  /** It was taken away, and what it had begun has not ended yet. */
  isGoing: boolean
}

type Difference = { path: string[]; from?: unknown; to?: unknown }

export function changesBetween(
  before: ManifestText,
  after: ManifestText,
  inUse: (service: string) => InUse,
  /** Consent to what takes something away that is in use. */
  remove = false,
): Change[] {
  return differences(before, after, []).map(({ path, ...values }) => ({
    path: path.join('.'),
    ...values,
    ...effectOf(path, values, inUse, remove),
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
  remove: boolean,
): Pick<Change, 'when' | 'because'> {
  if (root === 'releases' || root === 'machine') return { when: 'now' }
  // Who is in it goes by what its release began with.
  if (root === 'pools')
    return key === 'start'
      ? { when: 'now', because: 'its servers are started anew, and what was loaded there again' }
      : { when: 'next release' }
  if (root !== 'services' || service === undefined)
    return {
      when: 'next start',
      because:
        root === 'gateway'
          ? 'read when it starts: `beryl restart gateway`'
          : 'read once, when `beryl up` starts: now by `beryl up --take-over`',
    }
  if (key === undefined)
    return to === undefined ? ofRemoval(inUse(service), remove) : ofNew(inUse(service))
  if (key === 'versions') return ofVersion(inUse(service), { name, field, to, remove })
  if (key === 'environment' && name === 'replicas')
    return inUse(service).mayScale
      ? { when: 'now', because: 'added before removed' }
      : { when: 'next release', because: 'nothing is scaled while a release is under way' }
  return { when: atOnce.includes(key) ? 'now' : 'next release' }
}

function ofNew({ isGoing }: InUse): Pick<Change, 'when' | 'because'> {
  return isGoing
    ? {
        when: 'refused',
        because: 'one of this name is still being taken away: wait until it is gone',
      }
    : { when: 'now' }
}

function ofRemoval({ underWay }: InUse, remove: boolean): Pick<Change, 'when' | 'because'> {
  if (underWay !== null)
    return { when: 'refused', because: `${underWay}: abort it, or roll it back, first` }
  if (remove)
    return { when: 'now', because: 'its route is unknown at once; what is in flight may end' }
  return {
    when: 'refused',
    because: 'clients would be answered by nobody: put it back, or say --remove',
  }
}

type Edited = {
  name: string | undefined
  field: string | undefined
  to: unknown
  remove: boolean
}

function ofVersionGone(
  { roles, beside, underWay }: InUse,
  name: string,
  remove: boolean,
): Pick<Change, 'when' | 'because'> {
  const role = roles[name]
  if (role === undefined) return { when: 'now' }
  if (beside.includes(name)) return { when: 'now', because: 'it stands beside the manifest' }
  if (role === 'live')
    return {
      when: 'refused',
      because: `${name} is live, and what clients are answered by is never taken away: deploy another version first`,
    }
  if (role === 'being released' || underWay !== null)
    return {
      when: 'refused',
      because: `${name} is ${role}${underWay === null ? '' : `, and ${underWay}`}: put it back, or end the release first`,
    }
  return remove
    ? { when: 'now', because: 'it is the standby: the way back to it ends' }
    : {
        when: 'refused',
        because: `${name} is the standby: put it back, or give up the way back to it with --remove`,
      }
}

function ofVersion(
  inUse: InUse,
  { name, field, to, remove }: Edited,
): Pick<Change, 'when' | 'because'> {
  const { registered, taken } = inUse
  if (name === undefined) return { when: 'now' }
  if (to === undefined && field === undefined) return ofVersionGone(inUse, name, remove)
  if (taken.includes(name))
    return {
      when: 'refused',
      because: `${name} was registered as something else: a version never changes, give this one a name of its own`,
    }
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
