/** GPU slots: no two replicas that are not gone hold the same one. Pure. */
export type Holder = { id: string; gpus: readonly number[]; stopping: boolean }

export type Choice =
  | { slots: readonly number[] }
  /** Slots that are still held by replicas on their way out come free by themselves. */
  | { wait: string }
  | { impossible: string }

export function chooseSlots(
  count: number,
  all: readonly number[],
  holders: readonly Holder[],
): Choice {
  if (count === 0) return { slots: [] }
  const held = new Set(holders.flatMap(({ gpus }) => gpus))
  const free = all.filter((slot) => !held.has(slot))
  if (free.length >= count) return { slots: free.slice(0, count) }
  const who = holders
    .filter(({ gpus }) => gpus.length > 0)
    .map(({ id, gpus }) => `${id} holds ${gpus.join(', ')}`)
  const said = `it needs ${count} GPU slots, ${free.length} of ${all.length} are free${who.length > 0 ? ` (${who.join('; ')})` : ''}`
  const soon = holders.filter(({ stopping }) => stopping).flatMap(({ gpus }) => gpus).length
  if (free.length + soon >= count)
    return { wait: `${said}; replicas that are stopping will free enough` }
  return { impossible: `${said}. Slots come from BERYL_GPUS, e.g. BERYL_GPUS=0,1` }
}
