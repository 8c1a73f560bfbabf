/** Model servers as processes of this machine. They are not Beryl's children: they outlive it, and are taken up again. */
import type { Provider, ReplicaJournal, ReplicaSpec } from '../provider.ts'
import { logFilesIn } from './log-files.ts'
import { Replica } from './replica.ts'
import type { Surroundings } from './replica.ts'

export type ProcessProviderOptions = {
  journal: ReplicaJournal
  logDirectory: string
  /** GPU slots of this machine that Beryl may hand out. */
  gpuSlots: readonly number[]
  log: Surroundings['log']
}

export function processProvider({
  journal,
  logDirectory,
  gpuSlots,
  log,
}: ProcessProviderOptions): Provider {
  const replicas = new Map<string, Replica>()
  const listeners = new Set<() => void>()
  const logs = logFilesIn(logDirectory)
  const around: Surroundings = {
    journal,
    logs,
    gpuSlots,
    log,
    portsTaken: () => new Set([...replicas.values()].map(({ port }) => port)),
    holders: (exceptId) =>
      [...replicas.values()].filter(({ id }) => id !== exceptId).map((replica) => replica.holder()),
    changed,
  }

  return {
    open: async () => {
      for (const record of journal.all()) replicas.set(record.spec.id, new Replica(record, around))
      for (const replica of replicas.values()) replica.adopt()
    },
    look: () => [...replicas.values()].map((replica) => replica.see()),
    start: async (spec) => {
      if (replicas.has(spec.id)) return
      const replica = new Replica(recordOf(spec), around)
      replicas.set(spec.id, replica)
      try {
        await replica.begin()
      } catch (error) {
        replicas.delete(spec.id)
        throw error
      }
    },
    stop: async (id) => replicas.get(id)?.stop(),
    lastLines: async (id, count) => logs.lastLines(id, count),
    changed: (listener) => void listeners.add(listener),
    close: async () => {
      for (const replica of replicas.values()) replica.close()
    },
  }

  function changed(): void {
    for (const [id, replica] of replicas) {
      if (replica.see().state.name !== 'gone') continue
      replicas.delete(id)
      logs.tidy(new Set(replicas.keys()))
    }
    for (const listener of listeners) listener()
  }
}

function recordOf(spec: ReplicaSpec) {
  return {
    spec,
    host: '127.0.0.1',
    port: 0,
    gpus: [],
    process: null,
    restarts: 0,
    readyOnce: false,
    startedAt: Date.now(),
    endedAt: null,
    failed: null,
    stopping: false,
  }
}
