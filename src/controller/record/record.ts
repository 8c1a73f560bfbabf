/** The record: kept within its bounds, one small piece at a time, and what is known of it. */
import { randomBytes } from 'node:crypto'
import { closeSync, createReadStream, fstatSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Operations } from '../../api/operations.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { log } from '../../log.ts'
import type { Now, Service } from '../../release/release.ts'
import { isDiskTrouble } from '../../ipc/disk-trouble.ts'
import type { Removed } from '../../storage/retention.ts'
import type { ControllerStore } from '../store.ts'

/** `keepS`: since a release ended; beyond `atMostBytes` the oldest goes first. */
export type RecordBounds = { keepS: number; atMostBytes: number }

const dayMs = 86_400_000
const lookEveryMs = 10 * 60_000
/** One piece holds up the loop for some milliseconds; the next one comes after a rest. */
const piece = { releases: 5, restMs: 200 } as const

type Sources = {
  store: Pick<ControllerStore, 'retention' | 'events'>
  rows: { names(): string[]; find(name: string): Service | null }
  now: () => Now
  bounds: RecordBounds
}

/** @returns whether there may be more to remove */
export function trimRecord({ store, rows, now, bounds }: Sources): boolean {
  const { keepS, atMostBytes } = bounds
  const inUse = rows.names().flatMap((name) => inUseOf(rows.find(name)!))
  const wall = now().wall
  const remove = (before: number) => store.retention.remove(before, inUse, piece.releases)
  const old = remove(wall - keepS * 1000)
  if (tell(old, `older than ${Math.round((keepS * 1000) / dayMs)} days`)) return true
  if (store.retention.bytes() <= atMostBytes) return false
  // Notifications are tried, and answers to keys kept, for a day.
  return tell(remove(wall - dayMs), `more than ${atMostBytes} bytes (record.atMost)`)

  /** What leaves the record is said in the record. */
  function tell({ releases, events }: Removed, why: string): boolean {
    if (events === 0 && releases.length === 0) return false
    const which = releases.length === 0 ? 'no release' : releases.join(', ')
    const text = `left the record: ${which}, ${events} events (${why})`
    const data = { releases, events }
    store.events.add({
      at: wall,
      service: '',
      release: null,
      kind: 'record',
      by: 'beryl',
      text,
      data,
    })
    return releases.length > 0 || events > 1
  }
}

/** What runs, what waits, what is live or kept, and what those came from. */
function inUseOf({ live, standby, release, queued }: Service): string[] {
  const active = [release, queued].filter((one) => one !== null)
  const placed = [live, standby, ...active.map(({ from }) => from)]
  return [
    ...active.map(({ id }) => id),
    ...placed.filter((one) => one !== null).map((one) => one.release),
  ]
}

export function keepRecord(sources: Sources): { stop(): void } {
  let timer = setTimeout(look, lookEveryMs / 10)
  timer.unref()
  return { stop: () => clearTimeout(timer) }

  function look(): void {
    let isMore = false
    try {
      isMore = trimRecord(sources)
    } catch (error) {
      log.error({ error: (error as Error).message }, 'the record could not be trimmed')
    }
    timer = setTimeout(look, isMore ? piece.restMs : lookEveryMs)
    timer.unref()
  }
}

export function recordOperations({
  store,
  now,
  bounds,
  dataDirectory,
}: {
  store: Pick<ControllerStore, 'retention' | 'events' | 'backUp'>
  now: () => Now
  bounds: RecordBounds
  dataDirectory: string
}): Operations['record'] {
  let isBusy = false
  return {
    view: () => ({ ...store.retention.size(), ...bounds }),

    async backUp(by) {
      if (isBusy)
        throw new ProblemError({
          status: 409,
          code: 'backup-under-way',
          title: 'another backup is being made',
          hint: 'try again when it is done',
        })
      isBusy = true
      const file = join(dataDirectory, `backup-${randomBytes(6).toString('hex')}.db`)
      try {
        const text = `${by} takes a backup`
        const data = { command: 'backup' }
        store.events.add({
          at: now().wall,
          service: '',
          release: null,
          kind: 'command',
          by,
          text,
          data,
        })
        await store.backUp(file)
        const opened = openSync(file, 'r')
        // It has no name from here on: whatever happens, nothing is left behind.
        rmSync(file)
        try {
          return { bytes: fstatSync(opened).size, stream: createReadStream('', { fd: opened }) }
        } catch (error) {
          closeSync(opened)
          throw error
        }
      } catch (cause) {
        if (!isDiskTrouble(cause)) throw cause
        throw new ProblemError(
          {
            status: 507,
            code: 'no-room',
            title: `a backup needs as much room as the record has (${store.retention.bytes()} bytes) in ${dataDirectory}: ${(cause as Error).message}`,
            hint: 'make room there, and ask again',
          },
          { cause },
        )
      } finally {
        isBusy = false
      }
    },
  }
}
