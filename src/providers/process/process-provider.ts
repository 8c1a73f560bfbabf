/** Model servers as processes of this machine. They are not Beryl's children: they outlive it, and are taken up again. */
import { uptime } from 'node:os'
import type { Now } from '../../release/release.ts'
import type { Log, ProcessSpec, Provider, ReplicaJournal, ReplicaRecord } from '../provider.ts'
import { listenersOf } from '../listeners.ts'
import { logFilesIn } from './log-files.ts'
import { Replica } from './replica.ts'
import { gpuSlotsOf } from './slots.ts'
import type { Surroundings } from './surroundings.ts'

/** How long a log may grow before it is looked at. */
const rotateEveryMs = 5000

export type ProcessProviderOptions = {
  journal: ReplicaJournal<ProcessSpec>
  logDirectory: string
  /** GPU slots of this machine that Beryl may hand out; by default those of `BERYL_GPUS`. */
  gpuSlots?: readonly number[]
  now?: () => Now
  log: Log
}

export function processProvider({
  journal,
  logDirectory,
  gpuSlots = gpuSlotsOf(process.env),
  now = () => ({ wall: Date.now(), up: uptime() }),
  log,
}: ProcessProviderOptions): Provider<ProcessSpec> {
  const replicas = new Map<string, Replica>()
  const listeners = listenersOf(log)
  const logs = logFilesIn(logDirectory)
  let turn: Promise<unknown> = Promise.resolve()
  let rotating: NodeJS.Timeout | undefined
  const others = (id: string) => [...replicas.values()].filter((replica) => replica.id !== id)
  const around: Surroundings = {
    journal,
    logs,
    gpuSlots,
    now,
    log,
    inTurn: (act) => {
      const mine = turn.then(act)
      turn = mine.catch(() => {})
      return mine
    },
    portsTaken: (exceptId) => new Set(others(exceptId).map(({ port }) => port)),
    holders: (exceptId) => others(exceptId).map((replica) => replica.holder()),
    changed,
  }

  return {
    open: async () => {
      for (const record of journal.all()) replicas.set(record.spec.id, new Replica(record, around))
      rotating = setInterval(rotate, rotateEveryMs).unref()
      await Promise.all([...replicas.values()].map((replica) => replica.adopt()))
    },
    look: () => [...replicas.values()].map((replica) => replica.see()),
    start: async (spec) => {
      if (replicas.has(spec.id)) return
      const replica = new Replica(recordOf(spec, now().wall), around)
      replica.begin()
      replicas.set(spec.id, replica)
      changed()
    },
    stop: async (id) => replicas.get(id)?.stop(),
    sleep: async (id) => replicas.get(id)?.sleep(),
    wake: async (id) => replicas.get(id)?.wake(),
    lastLines: async (id, count) => logs.lastLines(id, count),
    slots: () => gpuSlots,
    changed: listeners.add,
    close: async () => {
      clearInterval(rotating)
      for (const replica of replicas.values()) replica.close()
      // Whoever is choosing a port right now finds out that it is closed, and writes nothing any more.
      await turn
    },
  }

  function changed(): void {
    for (const [id, replica] of replicas) {
      if (replica.see().state.name !== 'gone') continue
      replicas.delete(id)
      logs.tidy(new Set(replicas.keys()))
    }
    for (const replica of replicas.values()) replica.noteLease()
    listeners.tell()
  }

  function rotate(): void {
    for (const id of replicas.keys()) void logs.rotate(id)
  }
}

function recordOf(spec: ProcessSpec, startedAt: number): ReplicaRecord<ProcessSpec> {
  return {
    spec,
    host: '127.0.0.1',
    port: 0,
    gpus: [],
    process: null,
    restarts: 0,
    readyOnce: false,
    startedAt,
    endedAt: null,
    failed: null,
    stopping: false,
  }
}
