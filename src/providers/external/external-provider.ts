/** Model servers that run already, under addresses that somebody else keeps: Beryl only looks at them and routes. */
import { uptime } from 'node:os'
import type { Now } from '../../release/release.ts'
import type { ExternalSpec, Log, Provider, ReplicaJournal, ReplicaRecord } from '../provider.ts'
import { listenersOf } from '../listeners.ts'
import { Claim } from './claim.ts'
import type { Surroundings } from './claim.ts'

export type ExternalProviderOptions = {
  journal: ReplicaJournal<ExternalSpec>
  now?: () => Now
  log: Log
}

export function externalProvider({
  journal,
  now = () => ({ wall: Date.now(), up: uptime() }),
  log,
}: ExternalProviderOptions): Provider<ExternalSpec> {
  const claims = new Map<string, Claim>()
  const listeners = listenersOf(log)
  const around: Surroundings = {
    journal,
    now,
    log,
    claimed: (exceptId) =>
      new Map(
        [...claims.values()].flatMap(({ id, address }) =>
          id === exceptId || address === null ? [] : [[address, id] as const],
        ),
      ),
    changed,
  }

  return {
    open: async () => {
      for (const record of journal.all()) claims.set(record.spec.id, new Claim(record, around))
      await Promise.all([...claims.values()].map((claim) => claim.adopt()))
    },
    look: () => [...claims.values()].map((claim) => claim.see()),
    start: async (spec) => {
      if (claims.has(spec.id)) return
      const claim = new Claim(recordOf(spec, now().wall), around)
      claim.begin()
      claims.set(spec.id, claim)
      changed()
    },
    stop: async (id) => claims.get(id)?.release(),
    sleep: async (id) => claims.get(id)?.sleep(),
    wake: async (id) => claims.get(id)?.wake(),
    // What it prints is where its owner keeps it.
    lastLines: async () => [],
    slots: () => [],
    changed: listeners.add,
    close: async () => {
      for (const claim of claims.values()) claim.close()
    },
  }

  function changed(): void {
    for (const [id, claim] of claims) if (claim.see().state.name === 'gone') claims.delete(id)
    listeners.tell()
  }
}

function recordOf(spec: ExternalSpec, startedAt: number): ReplicaRecord<ExternalSpec> {
  return {
    spec,
    host: '',
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
