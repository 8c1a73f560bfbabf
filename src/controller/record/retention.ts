/** `retention`: which versions that nobody needs leave the registry, and when. Files stay where they are, and names keep their digests. */
import { log } from '../../log.ts'
import { seconds } from '../../release/clock.ts'
import type { Now, Service } from '../../release/release.ts'
import type { Registry } from '../versions/registry.ts'
import type { Rows } from '../rows.ts'
import type { ControllerStore } from '../store.ts'

const everyMs = 3_600_000
/** Of one service: when each version was last used. */
const releasesLookedAt = 10_000

export type Kept = { version: string; /** Wall time, ms. */ usedAt: number; isHeld: boolean }

/** Pure. What is held counts, and stays. */
export function outlived(
  versions: readonly Kept[],
  {
    atMost = Infinity,
    keep = Infinity,
  }: { atMost?: number | undefined; keep?: number | undefined },
  now: number,
): { version: string; because: string }[] {
  const held = versions.filter(({ isHeld }) => isHeld).length
  const others = versions
    .filter(({ isHeld }) => !isHeld)
    .toSorted((a, b) => b.usedAt - a.usedAt || (a.version < b.version ? 1 : -1))
  return others.flatMap(({ version, usedAt }, index) => {
    if (held + index >= atMost)
      return [{ version, because: `beyond the ${atMost} that were used last` }]
    if (now - usedAt > keep * 1000)
      return [{ version, because: `not used for ${seconds((now - usedAt) / 1000)}` }]
    return []
  })
}

export type Retention = { look: () => void; stop: () => void }

export function keepVersions({
  store,
  registry,
  rows,
  now,
  holderOf,
}: {
  store: ControllerStore
  registry: Pick<Registry, 'retentionOf'>
  rows: Pick<Rows, 'names' | 'find'>
  now: () => Now
  holderOf: (service: Service, version: string) => string | null
}): Retention {
  const look = () => {
    for (const name of rows.names()) {
      try {
        lookAt(rows.find(name)!)
      } catch (error) {
        // A disk that takes no writes: they are looked at again in an hour.
        log.error({ service: name, error: (error as Error).message }, 'retention could not be kept')
      }
    }
  }
  look()
  const timer = setInterval(look, everyMs).unref()
  return { look, stop: () => clearInterval(timer) }

  function lookAt(service: Service): void {
    const { name } = service
    const rules = registry.retentionOf(name)
    if (rules === null) return
    const registered = store.versions.list(name)
    if (registered.length === 0) return
    const used = usedAt(name)
    const at = now().wall
    const kept = registered.map(({ version, registeredAt }) => ({
      version,
      usedAt: Math.max(registeredAt, used.get(version) ?? 0),
      isHeld: holderOf(service, version) !== null,
    }))
    const going = outlived(kept, rules, at)
    if (going.length === 0) return
    const gone = going.map(({ version, because }) => `${version} (${because})`).join(', ')
    store.versions.remove(
      name,
      going.map(({ version }) => version),
      at,
      {
        at,
        service: name,
        release: null,
        kind: 'command',
        by: 'schedule',
        text: `retention removed ${gone}`,
        data: { command: 'retention', removed: going },
      },
    )
  }

  /** Released, or live until then. */
  function usedAt(service: string): Map<string, number> {
    const used = new Map<string, number>()
    for (const { at, bundle, from } of store.services.releases(service, releasesLookedAt))
      for (const version of [bundle.version, from?.version])
        if (version !== undefined) used.set(version, Math.max(used.get(version) ?? 0, at))
    return used
  }
}
