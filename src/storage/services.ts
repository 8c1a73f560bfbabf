/** Services and releases: saved together, compare-and-set, each save with the events that explain it. */
import type { Release, Service } from '../release/release.ts'
import { transaction } from './database.ts'
import type { Database } from './database.ts'
import { insertEvent } from './events.ts'
import type { NewEvent } from './events.ts'

export class StaleRevision extends Error {
  override name = 'StaleRevision'
}

export type Stored = { service: Service; revision: number }

export type Change<Plan> = {
  releases: readonly Release[]
  added?: readonly { release: Release; plan: Plan }[]
  events: readonly NewEvent[]
}

export function servicesIn<Plan>(database: Database) {
  const selectServices = database.prepare('SELECT row, revision FROM services ORDER BY name')
  const insertService = database.prepare(
    'INSERT INTO services (name, row, revision) VALUES (?, ?, 1)',
  )
  const updateService = database.prepare(
    'UPDATE services SET row = ?, revision = revision + 1 WHERE name = ? AND revision = ?',
  )
  const insertRelease = database.prepare(
    'INSERT INTO releases (number, service, row, plan) VALUES (?, ?, ?, ?)',
  )
  const updateRelease = database.prepare('UPDATE releases SET row = ? WHERE number = ?')
  const selectRelease = database.prepare('SELECT row FROM releases WHERE number = ?')
  const selectPlan = database.prepare('SELECT plan FROM releases WHERE number = ?')
  const selectReleases = database.prepare(
    'SELECT row FROM releases WHERE service = ? AND number < ? ORDER BY number DESC LIMIT ?',
  )
  const selectLast = database.prepare('SELECT coalesce(max(number), 0) AS last FROM releases')

  return {
    all: (): Stored[] =>
      selectServices.all().map((row) => ({
        service: JSON.parse(String(row['row'])) as Service,
        revision: Number(row['revision']),
      })),

    create(service: Service, event: NewEvent): Stored {
      return transaction(database, () => {
        insertService.run(service.name, JSON.stringify(service))
        insertEvent(database, event)
        return { service, revision: 1 }
      })
    },

    /**
     * @param change releases that this save touches (active, queued, ended); `added` are new ones with their plans
     * @throws StaleRevision when somebody else wrote in between: then nothing was written.
     */
    save({ service, revision }: Stored, { releases, added = [], events }: Change<Plan>): Stored {
      return transaction(database, () => {
        const { changes } = updateService.run(JSON.stringify(service), service.name, revision)
        if (changes !== 1)
          throw new StaleRevision(
            `${service.name} was changed by another controller since revision ${revision}`,
          )
        for (const { release, plan } of added) {
          insertRelease.run(
            numberOf(release.id),
            release.service,
            JSON.stringify(release),
            JSON.stringify(plan),
          )
        }
        for (const release of releases)
          updateRelease.run(JSON.stringify(release), numberOf(release.id))
        for (const event of events) insertEvent(database, event)
        return { service, revision: revision + 1 }
      })
    },

    nextReleaseId: (): string => `r${Number(selectLast.get()!['last']) + 1}`,

    release(id: string): Release | null {
      const row = selectRelease.get(numberOf(id))
      return row === undefined ? null : (JSON.parse(String(row['row'])) as Release)
    },

    plan(id: string): Plan | null {
      const row = selectPlan.get(numberOf(id))
      return row === undefined ? null : (JSON.parse(String(row['plan'])) as Plan)
    },

    /** Newest first. @param after older than this one; null: from the newest on */
    releases: (service: string, limit: number, after: string | null = null): Release[] =>
      selectReleases
        .all(service, after === null ? Number.MAX_SAFE_INTEGER : numberOf(after), limit)
        .map((row) => JSON.parse(String(row['row'])) as Release),
  }
}

/** `r12` → 12; anything else is a release that does not exist. */
function numberOf(id: string): number {
  return /^r[1-9]\d{0,14}$/.test(id) ? Number(id.slice(1)) : -1
}
