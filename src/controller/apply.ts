/** `beryl apply`: an edited manifest takes the place of the one that Beryl runs by, whole or not at all. */
import type { ApplyView } from '../api/shapes.ts'
import { changesBetween } from '../config/changes.ts'
import type { Change, InUse } from '../config/changes.ts'
import { loadManifest, ManifestError } from '../config/load.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { Now, Service } from '../release/release.ts'
import type { Registry } from './registry.ts'
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
  { text, dryRun }: { text: string; dryRun: boolean },
  by: string,
): Promise<ApplyView> {
  const loaded = await loadManifest(manifestPath, { text }).catch((error: unknown) => {
    if (!(error instanceof ManifestError)) throw error
    throw new ProblemError(
      { status: 400, code: 'manifest', title: error.message, hint: 'mend it, and apply it again' },
      { cause: error },
    )
  })
  // No `await` from here on: what is in use must be so when the change is made.
  const changes = changesBetween(registry.source().asWritten, loaded.asWritten, (name) =>
    inUse(rows.find(name), store, name),
  )
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
  const before = registry.source()
  registry.replace(loaded)
  try {
    rows.atomically(() => {
      registry.reconcile(rows)
      for (const name of rows.names()) {
        const own = changes.filter(({ path }) => `${path}.`.startsWith(`services.${name}.`))
        if (own.length > 0) record(name, own)
      }
    })
  } catch (error) {
    registry.replace(before)
    throw error
  }
  // A controller that dies right here finds rows that are ahead of its manifest; `reconcile` bears that.
  putInPlace()
  rows.names().forEach(poke)
  return { applied: true, changes }

  function record(name: string, own: readonly Change[]): void {
    const service = rows.find(name)!
    const replicas = own.some(
      ({ path, when }) => path === `services.${name}.environment.replicas` && when === 'now',
    )
      ? registry.replicasOf(name)
      : null
    const text_ = `${by}: applied ${own.map(({ path }) => path.slice(`services.${name}.`.length) || name).join(', ')}`
    rows.save({
      next:
        replicas === null || service.live === null
          ? service
          : { ...service, live: { ...service.live, replicas } },
      events: [
        {
          at: now().wall,
          service: name,
          release: null,
          kind: 'command',
          by,
          text: text_,
          data: { changes: own },
        },
      ],
    })
  }
}

function inUse(service: Service | null, store: ControllerStore, name: string): InUse {
  const placed = [
    service?.live,
    service?.standby,
    service?.release?.bundle,
    service?.queued?.bundle,
  ]
  return {
    versions: placed.flatMap((one) => (one == null ? [] : [one.version])),
    registered: store.versions.list(name).map(({ version }) => version),
    mayScale: service !== null && service.live !== null && service.release === null,
  }
}
