/** `beryl apply`: an edited manifest takes the place of the one that Beryl runs by, whole or not at all. */
import type { ApplyView } from '../api/shapes.ts'
import { changesBetween } from '../config/changes.ts'
import type { Change, InUse } from '../config/changes.ts'
import { loadManifest } from '../config/load.ts'
import { ManifestError } from '../config/manifest-error.ts'
import type { Loaded } from '../config/load.ts'
import { ProblemError } from '../ipc/problem.ts'
import { giveUpStandby, removeService, underWay } from '../release/remove.ts'
import type { Now, Service } from '../release/release.ts'
import { versionDigest } from '../versions/digest.ts'
import { openRegistry } from './versions/registry.ts'
import type { Registry } from './versions/registry.ts'
import type { Rows } from './rows.ts'
import type { ControllerStore } from './store.ts'

export type Applying = {
  registry: Registry
  rows: Rows
  store: ControllerStore
  now: () => Now
  /** Paths in it are relative to the file that `up` was given. */
  manifestPath: string
  /** Keeps the text for a controller that starts again; the answer puts it in place. @throws when it cannot be written */
  keep: (text: string) => () => void
  poke: (service: string) => void
}

/** @throws ProblemError `manifest`, `refused-changes` */
export async function applyManifest(
  { registry, rows, store, now, manifestPath, keep, poke }: Applying,
  { text, dryRun, remove }: { text: string; dryRun: boolean; remove: boolean },
  by: string,
): Promise<ApplyView> {
  const loaded = await loadManifest(manifestPath, { text }).catch((error: unknown) => {
    if (!(error instanceof ManifestError)) throw error
    throw new ProblemError(
      { status: 400, code: 'manifest', title: error.message, hint: 'mend it, and apply it again' },
      { cause: error },
    )
  })
  const taken = await takenNames(registry.source(), loaded, { store, now })
  // No `await` from here on: what is in use must be so when the change is made.
  const before = registry.source()
  const of = (name: string) => inUse(rows.find(name), store, { name, taken: taken(name) })
  const changes = changesBetween(before.asWritten, loaded.asWritten, of, remove)
  const refused = changes.filter(({ when }) => when === 'refused')
  if (refused.length > 0 && !dryRun)
    throw new ProblemError({
      status: 409,
      code: 'refused-changes',
      title: refused.map(({ path, because }) => `${path}: ${because}`).join('\n'),
      hint: 'nothing was applied',
    })
  if (dryRun || changes.length === 0) return { applied: false, changes }

  const putInPlace = keep(loaded.text)
  registry.replace(loaded)
  try {
    rows.atomically(() => {
      for (const name of rows.names()) {
        const own = changes.filter(({ path }) => `${path}.`.startsWith(`services.${name}.`))
        if (own.length > 0) change(name, own)
      }
      registry.reconcile(rows)
    })
  } catch (error) {
    registry.replace(before)
    throw error
  }
  // A controller that dies right here finds rows that are ahead of its manifest; `reconcile` bears that.
  putInPlace()
  rows.walked().forEach(poke)
  return { applied: true, changes }

  function change(name: string, own: readonly Change[]): void {
    const service = rows.find(name)!
    if (loaded.manifest.services[name] === undefined) return takeAway(service, own)
    const paths = own.map(({ path }) => path.slice(`services.${name}.`.length) || name)
    save(changed(service, own), `${by}: applied ${paths.join(', ')}`, own)
  }

  function changed(service: Service, own: readonly Change[]): Service {
    const { name, live, standby } = service
    const isNow = (path: string) =>
      own.some((one) => one.path === `services.${name}.${path}` && one.when === 'now')
    const scaled =
      live !== null && isNow('environment.replicas')
        ? { ...service, live: { ...live, replicas: registry.replicasOf(name) } }
        : service
    const isLost = standby !== null && registry.versionOf(name, standby.version) === null
    return isLost
      ? giveUpStandby(scaled, `${by} removed ${standby.version} from the manifest`, now())
      : scaled
  }

  function takeAway(service: Service, own: readonly Change[]): void {
    const drainS = before.manifest.services[service.name]!.switch.drain
    const { service: next, ended } = removeService(service, { by, drainS }, now())
    save(
      next,
      `${by}: removed the service ${service.name}: its route is unknown from now on, what is in flight may end`,
      own,
      ended,
    )
  }

  function save(
    next: Service,
    said: string,
    own: readonly Change[],
    ended: Parameters<Rows['save']>[0]['ended'] = null,
  ): void {
    const event = {
      at: now().wall,
      service: next.name,
      release: null,
      kind: 'command',
      by,
      text: said,
      data: { changes: own },
    }
    rows.save({ next, ended, events: [event] })
  }
}

function inUse(
  service: Service | null,
  store: ControllerStore,
  { name, taken }: { name: string; taken: readonly string[] },
): InUse {
  const active = service === null ? null : underWay(service)
  const roles: Record<string, InUse['roles'][string]> = {}
  const say = (version: string | undefined, role: InUse['roles'][string]) => {
    if (version !== undefined) roles[version] ??= role
  }
  say(service?.live?.version, 'live')
  say(service?.standby?.version, 'standby')
  say(service?.queued?.bundle.version, 'being released')
  if (active !== null) say(active.bundle.version, 'being released')
  const registered = store.versions.list(name)
  return {
    roles,
    registered: registered.map(({ version }) => version),
    beside: registered.flatMap(({ version, added }) => (added === null ? [] : [version])),
    taken,
    mayScale: service !== null && service.live !== null && service.release === null,
    underWay: active === null ? null : `${active.id} is ${active.phase.name}`,
    isGoing: service?.removing !== undefined && service.removing.goneAt === undefined,
  }
}

/** Versions that the manifest names from now on, by names that were registered as something else. */
async function takenNames(
  before: Loaded,
  after: Loaded,
  { store, now }: Pick<Applying, 'store' | 'now'>,
): Promise<(service: string) => readonly string[]> {
  const next = openRegistry({ loaded: after, store, now })
  const found = new Map<string, string[]>()
  for (const [service, { versions }] of Object.entries(after.manifest.services)) {
    const known = before.manifest.services[service]?.versions ?? {}
    for (const version of Object.keys(versions)) {
      const registered = Object.hasOwn(known, version)
        ? null
        : store.versions.find(service, version)
      if (registered === null) continue
      if (versionDigest(await next.readNow(service, version)) !== registered.digest)
        found.set(service, [...(found.get(service) ?? []), version])
    }
  }
  return (service) => found.get(service) ?? []
}
