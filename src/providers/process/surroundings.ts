/** What a replica needs of the provider that keeps it. */
import type { Now } from '../../release/release.ts'
import type { ReplicaJournal } from '../provider.ts'
import type { LogFiles } from './log-files.ts'
import type { Holder } from './slots.ts'

export type Log = {
  info(about: object, text: string): void
  warn(about: object, text: string): void
  error(about: object, text: string): void
}

export type Surroundings = {
  journal: ReplicaJournal
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
