/** Puts into the record what people must act on and no transition says: a release that waits for them, a problem that stays. */
import { log } from '../../log.ts'
import type { Now, Release } from '../../release/release.ts'
import type { NewEvent } from '../../storage/events.ts'
import type { ControllerStore } from '../store.ts'

/** What lasts shorter mends itself: a worker that was late, a gateway that starts again. */
const alarmAfterS = 30
/** A disk that is full is not asked again in each walk of the loop. */
const writeAgainS = 30

export function tellOf({ store, now }: { store: Pick<ControllerStore, 'events'>; now: () => Now }) {
  /** By service: the last wait that is known to stand in the record. */
  const waits = new Map<string, string>()
  let failedAt = -Infinity
  const troubles = new Map<string, { since: number; told: boolean }>()

  return {
    /** Once for each wait of each step of a release, whoever restarts meanwhile. */
    waiting(release: Release, waitingFor: string): void {
      const about = personIn(release, waitingFor)
      if (about === null) return
      const { id, service, step, phase, bundle } = release
      const key = `${id} ${step} ${about}`
      if (waits.get(service) === key) return
      const known = store.events
        .ofRelease(id)
        .some(({ data }) => data['step'] === step && data['about'] === about)
      const isAlarm = about === 'the way back'
      const text = `${id} (${bundle.version}) waits for ${waitingFor}`
      const data = { step, about, phase: phase.name, waitingFor, because: waitingFor }
      const kind = isAlarm ? 'alarm' : 'waiting'
      if (known || write({ at: now().wall, service, release: id, kind, by: 'beryl', text, data }))
        waits.set(service, key)
    },

    /** @param found what does not work now; once it has lasted for a while it is an alarm, until it is over */
    problems(service: string, found: readonly string[], release: Release | null): void {
      if (found.length === 0) return void troubles.delete(service)
      const trouble = troubles.get(service) ?? { since: now().up, told: false }
      troubles.set(service, trouble)
      if (trouble.told || now().up - trouble.since < alarmAfterS) return
      const text = `for ${alarmAfterS} s: ${found.join('; ')}`
      const data = { because: found.join('; ') }
      const id = release?.id ?? null
      trouble.told = write({
        at: now().wall,
        service,
        release: id,
        kind: 'alarm',
        by: 'beryl',
        text,
        data,
      })
    },
  }

  /** The record must never hold up a way back. */
  function write(event: NewEvent): boolean {
    if (now().up - failedAt < writeAgainS) return false
    try {
      store.events.add(event)
      return true
    } catch (error) {
      failedAt = now().up
      log.error({ event: event.text, error: (error as Error).message }, 'could not be recorded')
      return false
    }
  }
}

/** What of a person a wait is for; null: it is over by itself. */
function personIn({ phase }: Release, waitingFor: string): string | null {
  const [, command] = /^`(\w+)/.exec(waitingFor) ?? []
  if (command !== undefined) return command
  if (waitingFor.startsWith('approval')) return 'approve'
  if (waitingFor.startsWith('a person')) return 'a gate'
  if (waitingFor.startsWith('the window')) return 'the window'
  if (phase.name === 'rolling-back' && waitingFor.startsWith('a ready replica'))
    return 'the way back'
  return null
}
