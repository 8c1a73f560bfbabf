/**
 * Keeps what was seen over time: of each service its last 40 minutes, in memory, and of each release that goes on all of it, on disk too,
 * every few seconds. What a crash loses is a gap. Nothing is decided by it: a track that cannot be written holds nobody up.
 */
import type { Observation } from '../../gateway/control.ts'
import type { SignalEvidence } from '../../guard/guard.ts'
import { outcomeOf } from '../../guard/outcome.ts'
import { log } from '../../log.ts'
import { isEnd } from '../../release/release.ts'
import type { Now, Release } from '../../release/release.ts'
import type { Rows } from '../rows.ts'
import type { ControllerStore } from '../store.ts'
import { addAnswer, beginTrack, slotAt } from './track.ts'
import type { Track } from './track.ts'

export type Curves = ReturnType<typeof openCurves>

/** 240 of them: 40 minutes. */
const serviceEveryMs = 10_000
/** At first; twice as long whenever there are too many. */
const releaseEveryMs = 1000
const writeEveryMs = 10_000
/** Releases of which answers or evidence came lately; more are read from disk again when they are needed. */
const heldMax = 512

type Held = { track: Track; unwritten: boolean; isOver: boolean }

export function openCurves({
  store,
  rows,
  now,
}: {
  store: { curves: ControllerStore['curves'] }
  rows: Pick<Rows, 'names' | 'find'>
  now: () => Now
}) {
  const services = new Map<string, Track>()
  const releases = new Map<string, Held>()
  let writtenAt = now().wall

  return {
    /** What the gateway saw since the last time. Of a service that was asked nothing it is seen that it was idle. */
    add(items: readonly Observation[]): void {
      const { wall } = now()
      for (const name of rows.names()) {
        slotOf(name, wall)
        const active = activeOf(name)
        if (active !== null) slotAt(held(active.id).track, wall, 'halve')
      }
      for (const item of items) addOne(item, wall)
      if (wall - writtenAt >= writeEveryMs || wall < writtenAt) this.write()
    },

    /** What the guard said of a release that is being watched. */
    evidence(release: string, signals: readonly SignalEvidence[]): void {
      const one = held(release)
      const slot = slotAt(one.track, now().wall, 'halve')
      for (const { signal, rollbackEvidence, promotionEvidence } of signals)
        slot.evidence[signal] = [rollbackEvidence, promotionEvidence]
      one.unwritten = true
    },

    /** Those that changed; a release that has ended is let go of. */
    write(): void {
      writtenAt = now().wall
      try {
        for (const [id, one] of releases) {
          if (one.unwritten) store.curves.put(id, one.track)
          one.unwritten = false
          if (one.isOver) releases.delete(id)
          // The next round lets go of it, once what is still on its way has come.
          else if (!isActive(id)) one.isOver = true
        }
      } catch (error) {
        log.warn({ error: (error as Error).message }, 'curves could not be written')
        if (releases.size > heldMax) releases.clear()
      }
    },

    ofService: (name: string): Track => services.get(name) ?? beginTrack(serviceEveryMs),
    ofRelease: (id: string): Track => releases.get(id)?.track ?? read(id),
  }

  function addOne(item: Observation, wall: number): void {
    const outcome = outcomeOf(item.outcome)
    if (outcome !== 'good' && outcome !== 'bad') return
    const { service, release, environment, totalMs } = item
    const isCopy = item.isCopy === true
    const answered = { isBad: outcome === 'bad', isCopy, totalMs }
    if (!isCopy) addAnswer(slotOf(service, wall), { side: environment, ...answered })
    const active = activeOf(service)
    if (active === null) return
    const side =
      release === active.id ? 'new' : release === active.from?.release ? 'old' : undefined
    if (side === undefined) return
    const one = held(active.id)
    addAnswer(slotAt(one.track, wall, 'halve'), { side, ...answered })
    one.unwritten = true
  }

  function slotOf(service: string, wall: number) {
    let track = services.get(service)
    if (track === undefined) services.set(service, (track = beginTrack(serviceEveryMs)))
    return slotAt(track, wall, 'forget')
  }

  function held(id: string): Held {
    const known = releases.get(id)
    if (known !== undefined) return known
    const track = read(id)
    const one = { track, unwritten: false, isOver: false }
    releases.set(id, one)
    return one
  }

  /** One that cannot be read begins anew: a judgement waits for it, and must not fail by it. */
  function read(id: string): Track {
    try {
      return store.curves.of(id) ?? beginTrack(releaseEveryMs)
    } catch (error) {
      log.warn({ release: id, error: (error as Error).message }, 'a curve could not be read')
      return beginTrack(releaseEveryMs)
    }
  }

  function activeOf(service: string): Release | null {
    const release = rows.find(service)?.release ?? null
    return release === null || isEnd(release.phase) ? null : release
  }

  function isActive(id: string): boolean {
    return rows.names().some((name) => activeOf(name)?.id === id)
  }
}
