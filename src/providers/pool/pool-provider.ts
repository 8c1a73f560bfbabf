/** Models in pools of servers that run already and load what they are asked to: no more of them at once than a pool has places. */
import { uptime } from 'node:os'
import type { Now } from '../../release/release.ts'
import { listenersOf } from '../listeners.ts'
import type { Log, PoolSpec, Provider, ReplicaJournal, ReplicaRecord } from '../provider.ts'
import { Member } from './member.ts'
import type { Surroundings } from './member.ts'

export type PoolProviderOptions = {
  journal: ReplicaJournal<PoolSpec>
  now?: () => Now
  log: Log
}

export function poolProvider({
  journal,
  now = () => ({ wall: Date.now(), up: uptime() }),
  log,
}: PoolProviderOptions): Provider<PoolSpec> {
  const members = new Map<string, Member>()
  const listeners = listenersOf(log)
  const around: Surroundings = {
    journal,
    now,
    log,
    others: (member) =>
      [...members.values()].filter((one) => one !== member && one.pool === member.pool),
    changed,
  }

  return {
    open: async () => {
      for (const record of journal.all()) members.set(record.spec.id, new Member(record, around))
      await Promise.all([...members.values()].map((member) => member.adopt()))
    },
    look: () => [...members.values()].map((member) => member.see()),
    start: async (spec) => {
      if (members.has(spec.id)) return
      const member = new Member(recordOf(spec, now().wall), around)
      member.begin()
      members.set(spec.id, member)
      changed()
    },
    stop: async (id) => members.get(id)?.release(),
    sleep: async (id) => members.get(id)?.sleep(),
    wake: async (id) => members.get(id)?.wake(),
    // What it prints is where its owner keeps it.
    lastLines: async () => [],
    slots: () => [],
    changed: listeners.add,
    close: async () => {
      for (const member of members.values()) member.close()
    },
  }

  function changed(): void {
    for (const [id, member] of members) if (member.see().state.name === 'gone') members.delete(id)
    listeners.tell()
  }
}

/** Not loaded, until it is written that it may be. */
function recordOf(spec: PoolSpec, startedAt: number): ReplicaRecord<PoolSpec> {
  return {
    spec,
    ...spec.at,
    gpus: [],
    process: null,
    restarts: 0,
    readyOnce: false,
    startedAt,
    endedAt: null,
    failed: null,
    stopping: false,
    asleep: true,
    spells: [{ at: startedAt, is: 'asleep' }],
  }
}
