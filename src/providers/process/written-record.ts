/** What is written down of one replica. */
import type { ProcessSpec, ReplicaRecord } from '../provider.ts'
import type { Surroundings } from './surroundings.ts'

type Change = Partial<ReplicaRecord<ProcessSpec>>

export class WrittenRecord {
  record: ReplicaRecord<ProcessSpec>
  private readonly around: Pick<Surroundings, 'journal' | 'log'>

  constructor(record: ReplicaRecord<ProcessSpec>, around: Pick<Surroundings, 'journal' | 'log'>) {
    this.record = record
    this.around = around
  }

  /** @throws what the journal throws */
  write(change: Change): void {
    this.record = { ...this.record, ...change }
    this.around.journal.put(this.record)
  }

  /** For what is so already, written or not; the next entry carries it too. */
  note(change: Change): void {
    try {
      this.write(change)
    } catch (error) {
      const { message } = error as Error
      const replica = this.record.spec.id
      this.around.log.error({ replica, error: message }, 'could not be journalled')
    }
  }
}
