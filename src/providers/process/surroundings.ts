/** What a replica needs of the provider that keeps it. */
import type { Now } from '../../release/release.ts'
import type { Log, ProcessSpec, ReplicaJournal } from '../provider.ts'
import type { LogFiles } from './log-files.ts'
import type { Holder } from './slots.ts'

export type Surroundings = {
  journal: ReplicaJournal<ProcessSpec>
  logs: LogFiles
  gpuSlots: readonly number[]
  now: () => Now
  log: Log
  /** Ports and slots are chosen by one replica at a time: two that choose at once would choose the same. */
  inTurn: <T>(act: () => Promise<T>) => Promise<T>
  portsTaken: (exceptId: string) => ReadonlySet<number>
  holders: (exceptId: string) => readonly Holder[]
  changed: () => void
}
