/** GPU slots: no two replicas that are not gone hold the same one. Pure. */

/** `leaving`: it will give its slots back by itself, once its last process has ended. */
export type Holder = { id: string; gpus: readonly number[]; leaving: boolean }

export type Choice =
  | { slots: readonly number[] }
  /** Slots that are still held by replicas on their way out come free by themselves. */
  | { wait: string }
  | { impossible: string }

export function chooseSlots({
  count,
  all,
  holders,
  before = [],
}: {
  count: number
  all: readonly number[]
  holders: readonly Holder[]
  /** What this replica held before its restart: kept where possible. */
  before?: readonly number[]
}): Choice {
  if (count === 0) return { slots: [] }
  const held = new Set(holders.flatMap(({ gpus }) => gpus))
  const free = all.filter((slot) => !held.has(slot))
  const own = before.filter((slot) => free.includes(slot))
  const slots = [...own, ...free.filter((slot) => !own.includes(slot))].slice(0, count)
  if (slots.length === count) return { slots: slots.toSorted((a, b) => a - b) }

  const who = holders
    .filter(({ gpus }) => gpus.length > 0)
    .map(({ id, gpus }) => `${id} holds ${gpus.join(', ')}`)
  const said = `it needs ${count} GPU slots, ${free.length} of ${all.length} are free${who.length > 0 ? ` (${who.join('; ')})` : ''}`
  const soon = new Set(holders.filter(({ leaving }) => leaving).flatMap(({ gpus }) => gpus))
  if (free.length + all.filter((slot) => soon.has(slot)).length >= count)
    return { wait: `${said}; replicas that are stopping will free enough` }
  return { impossible: `${said}. Slots come from BERYL_GPUS, e.g. BERYL_GPUS=0,1` }
}

/** `BERYL_GPUS=0,1,2,3`, else `CUDA_VISIBLE_DEVICES`: the slots that Beryl may hand out. Without either there are none. */
export function gpuSlotsOf(env: NodeJS.ProcessEnv): number[] {
  const text = env['BERYL_GPUS'] ?? env['CUDA_VISIBLE_DEVICES'] ?? ''
  const parts = text.split(',').map((part) => part.trim())
  return [...new Set(parts.filter((part) => /^\d+$/.test(part)).map(Number))]
}
