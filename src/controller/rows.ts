/**
 * The rows this controller holds, and their journal. Saved before anything is acted on. One exception (rulings §7):
 * a way back that cannot be written, because the disk is full, goes on in memory, says so, and is written as soon as it can be.
 */
import { isDiskTrouble } from '../ipc/disk-trouble.ts'
import { log } from '../log.ts'
import type { Release, Service } from '../release/release.ts'
import type { NewEvent } from '../storage/events.ts'
import type { Plan } from './plan.ts'
import type { ControllerStore } from './store.ts'

export type Rows = ReturnType<typeof openRows>

export type RowChange = {
  next: Service
  /** Releases that this change ended or put away. */
  ended?: Release | readonly Release[] | null
  added?: { release: Release; plan: Plan } | null
  events: readonly NewEvent[]
  /** Rollbacks may be acted on before they are written. */
  mayGoUnwritten?: boolean
}

type Row = {
  service: Service
  /** Revision in the database. */
  written: number
  /** Rises with every change, written or not: who holds a plan made from an older one drops it. */
  version: number
  waiting: { releases: Map<string, Release>; events: NewEvent[] } | null
}

export function openRows(store: ControllerStore) {
  const rows = new Map<string, Row>()
  for (const { service, revision } of store.services.all())
    rows.set(service.name, { service, written: revision, version: 1, waiting: null })

  return {
    /** Of services that are there; those that are being taken away are not. */
    names: (): string[] =>
      [...rows.values()].flatMap(({ service }) => (service.removing ? [] : [service.name])),
    /** All that need a loop. */
    walked: (): string[] =>
      [...rows.values()].flatMap(({ service }) =>
        service.removing?.goneAt === undefined ? [service.name] : [],
      ),
    find: (name: string): Service | null => rows.get(name)?.service ?? null,
    version: (name: string): number => rows.get(name)?.version ?? 0,
    isWritten: (name: string): boolean => rows.get(name)?.waiting == null,

    /** All that is saved in it, or nothing of it, in memory and on disk. No `await` in it. */
    atomically(act: () => void): void {
      const before = new Map(rows)
      try {
        store.atomically(act)
      } catch (error) {
        rows.clear()
        for (const [name, row] of before) rows.set(name, row)
        throw error
      }
    },

    create(service: Service, event: NewEvent): void {
      const { revision } = store.services.create(service, event)
      rows.set(service.name, { service, written: revision, version: 1, waiting: null })
    },

    /** @throws what the journal throws; then nothing has changed, in memory or on disk. */
    save({ next, ended = null, added = null, events, mayGoUnwritten = false }: RowChange): void {
      const row = rows.get(next.name)!
      const touched = [next.release, next.queued, ended]
        .flat()
        .filter((release) => release !== null)
      const releases = new Map(row.waiting?.releases)
      for (const release of touched) releases.set(release.id, release)
      const change = {
        releases: [...releases.values()],
        added: added === null ? [] : [added],
        events: [...(row.waiting?.events ?? []), ...events],
      }
      try {
        const { revision } = store.services.save({ service: next, revision: row.written }, change)
        rows.set(next.name, {
          service: next,
          written: revision,
          version: row.version + 1,
          waiting: null,
        })
      } catch (error) {
        if (!mayGoUnwritten || !isDiskTrouble(error)) throw error
        log.error(
          { service: next.name, error: (error as Error).message },
          'the journal takes no writes: the way back is taken all the same, and written later',
        )
        rows.set(next.name, {
          service: next,
          written: row.written,
          version: row.version + 1,
          waiting: { releases, events: change.events },
        })
      }
    },
  }
}
