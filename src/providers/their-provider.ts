/** The shell of providers whose servers are somebody else's: what is taken up, looked at, let go of, and told of. */
import { uptime } from 'node:os'
import type { Now } from '../release/release.ts'
import { listenersOf } from './listeners.ts'
import type {
  Log,
  Provider,
  ReplicaJournal,
  ReplicaRecord,
  ReplicaSeen,
  ReplicaSpec,
} from './provider.ts'

/** One replica of such a provider. */
export type Theirs = {
  see(): ReplicaSeen
  begin(): void
  adopt(): Promise<void>
  sleep(): void
  wake(): void
  release(): void
  close(): void
}

export type TheirOptions<Own extends ReplicaSpec> = {
  journal: ReplicaJournal<Own>
  now?: () => Now
  log: Log
}

/** What each of them knows of the rest. */
export type Around<Own extends ReplicaSpec, One> = Required<TheirOptions<Own>> & {
  all: () => readonly One[]
  changed: () => void
}

/** @param startOf what a record holds at first, beside what is the same for all */
export function theirProvider<Own extends ReplicaSpec, One extends Theirs>(
  { journal, now = () => ({ wall: Date.now(), up: uptime() }), log }: TheirOptions<Own>,
  make: (record: ReplicaRecord<Own>, around: Around<Own, One>) => One,
  startOf: (
    spec: Own,
    startedAt: number,
  ) => Pick<ReplicaRecord<Own>, 'host' | 'port'> & Partial<ReplicaRecord<Own>>,
): Provider<Own> {
  const kept = new Map<string, One>()
  const listeners = listenersOf(log)
  const all = () => [...kept.values()]
  const around = { journal, now, log, all, changed }

  return {
    open: async () => {
      for (const record of journal.all()) kept.set(record.spec.id, make(record, around))
      await Promise.all(all().map((one) => one.adopt()))
    },
    look: () => all().map((one) => one.see()),
    start: async (spec) => {
      if (kept.has(spec.id)) return
      const startedAt = now().wall
      const one = make(
        {
          gpus: [],
          process: null,
          restarts: 0,
          readyOnce: false,
          endedAt: null,
          failed: null,
          stopping: false,
          ...startOf(spec, startedAt),
          spec,
          startedAt,
        },
        around,
      )
      one.begin()
      kept.set(spec.id, one)
      changed()
    },
    stop: async (id) => kept.get(id)?.release(),
    sleep: async (id) => kept.get(id)?.sleep(),
    wake: async (id) => kept.get(id)?.wake(),
    // What it prints is where its owner keeps it.
    lastLines: async () => [],
    slots: () => [],
    changed: listeners.add,
    close: async () => {
      for (const one of kept.values()) one.close()
    },
  }

  function changed(): void {
    for (const [id, one] of kept) if (one.see().state.name === 'gone') kept.delete(id)
    listeners.tell()
  }
}
