/** What a replica reserved of its accelerators, and since when: the ledger prices it by this (rulings §12). Pure. */
import type { ReplicaRecord } from './provider.ts'

/** From `at` (wall time, ms) to the next one; before the first it is awake. `away`: its spot capacity was taken, and it reserves nothing. */
export type Spell = { at: number; is: 'awake' | 'asleep' | 'lent' | 'away' }

type Kept = Pick<ReplicaRecord, 'asleep' | 'spells'>

/** What changes in its record; null: it is so already. */
export function spellOf(record: Kept, is: Spell['is'], at: number): Kept | null {
  const { spells = [] } = record
  const asleep = is === 'asleep' || is === 'lent'
  if ((spells.at(-1)?.is ?? 'awake') !== is) return { asleep, spells: [...spells, { at, is }] }
  return (record.asleep ?? false) === asleep ? null : { asleep }
}
