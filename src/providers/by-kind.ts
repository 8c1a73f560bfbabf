/** All providers as one: each replica belongs to the one that its spec names, and one service may go from one to the other. */
import type {
  ExternalSpec,
  PoolSpec,
  ProcessSpec,
  Provider,
  ReplicaJournal,
  ReplicaRecord,
  ReplicaSpec,
} from './provider.ts'

export function providersByKind(all: {
  process: Provider<ProcessSpec>
  external: Provider<ExternalSpec>
  pool: Provider<PoolSpec>
}): Provider {
  const each = [all.process, all.external, all.pool] as const
  return {
    open: async () => void (await Promise.all(each.map((one) => one.open()))),
    look: () => each.flatMap((one) => one.look()),
    start: (spec) => {
      if (spec.provider === 'pool') return all.pool.start(spec)
      return spec.provider === 'external' ? all.external.start(spec) : all.process.start(spec)
    },
    // Stopping what one does not have is no error.
    stop: async (id) => void (await Promise.all(each.map((one) => one.stop(id)))),
    sleep: async (id) => void (await Promise.all(each.map((one) => one.sleep(id)))),
    wake: async (id) => void (await Promise.all(each.map((one) => one.wake(id)))),
    lastLines: async (id, count) =>
      (await Promise.all(each.map((one) => one.lastLines(id, count)))).flat(),
    slots: () => each.flatMap((one) => one.slots()),
    changed: (listener) => {
      const stops = each.map((one) => one.changed(listener))
      return () => stops.forEach((stop) => stop())
    },
    close: async () => void (await Promise.all(each.map((one) => one.close()))),
  }
}

/** Records that name no provider are from before there was another. */
const oldest = 'process'

/** Of one journal, what belongs to one kind. */
export function journalOf<Kind extends ReplicaSpec['provider']>(
  journal: ReplicaJournal,
  kind: Kind,
): ReplicaJournal<ReplicaSpec & { provider: Kind }> {
  type Own = ReplicaRecord<ReplicaSpec & { provider: Kind }>
  return {
    all: () =>
      journal.all().filter((record): record is Own => (record.spec.provider ?? oldest) === kind),
    put: (record) => journal.put(record),
  }
}
