/** Writes down that a controller is there, every few seconds: what was up while none was is not known, and the ledger says so. */
import { isAlive } from '../../ipc/identity.ts'
import { log } from '../../log.ts'
import type { Now } from '../../release/release.ts'
import type { ControllerStore } from '../store.ts'

export const everyMs = 10_000
/** A process that was held for so long (a machine that slept) has seen nothing meanwhile: that is a gap, too. */
const heldMs = 3 * everyMs

export type Runs = ReturnType<typeof keepRuns>

/** Called before the provider takes up what an earlier controller left: it would start again what has died. */
export function keepRuns({
  store,
  now,
}: {
  store: Pick<ControllerStore, 'runs' | 'replicas'>
  now: () => Now
}) {
  let startedAt = 0
  let lastAt = Number.NEGATIVE_INFINITY
  const beat = () => {
    const at = now().wall
    try {
      if (at - lastAt <= heldMs) store.runs.there(startedAt, at)
      else {
        store.runs.begin(at, knownSince(store))
        startedAt = at
      }
      lastAt = at
    } catch (error) {
      // Then this time is a gap, by name.
      log.error({ error: (error as Error).message }, 'the ledger could not be kept')
    }
  }
  beat()
  const timer = setInterval(beat, everyMs).unref()

  return {
    beat,
    /** The last sign; before the journal is closed. */
    stop(): void {
      clearInterval(timer)
      beat()
    },
  }
}

/** Still the same process, or its end was written down. What Beryl does not start is held by its claim, whoever looks. */
function knownSince(store: Pick<ControllerStore, 'runs' | 'replicas'>): string[] {
  const last = store.runs.all().at(-1)
  const up = store.replicas
    .all()
    .filter(
      ({ spec, process }) =>
        spec.provider === 'external' ||
        spec.provider === 'pool' ||
        (process !== null && isAlive(process)),
    )
  const ended = last === undefined ? [] : store.replicas.endedAfter(last.lastAt)
  return [...up.map(({ spec }) => spec.id), ...ended]
}
