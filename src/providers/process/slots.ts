/** GPU slots: no two replicas that are not gone hold the same one. Pure. */

/**
 * `leaving`: it will give its slots back by itself, once its last process has ended. `lends`: it sleeps, and its accelerators are free.
 * `leases`: what it holds may be called back (rulings §12).
 */
export type Holder = {
  id: string
  gpus: readonly number[]
  leaving: boolean
  lends?: boolean
  leases?: boolean
}

export type Choice =
  | { slots: readonly number[] }
  /** Slots that are still held by replicas on their way out come free by themselves, and leased ones when they are called back. */
  | { wait: string }
  | { impossible: string }

/** Free ones first; a lease is taken only where there are too few of them. */
export function chooseSlots({
  count,
  all,
  holders,
  before = [],
  leases = false,
  waits = false,
}: {
  count: number
  all: readonly number[]
  holders: readonly Holder[]
  /** What this replica held before its restart: kept where possible. */
  before?: readonly number[]
  /** May it have what a sleeper lends? */
  leases?: boolean
  /** Is room made for it? Then what others hold is waited for. */
  waits?: boolean
}): Choice {
  if (count === 0) return { slots: [] }
  const slotsOf = (some: readonly Holder[]) => new Set(some.flatMap(({ gpus }) => gpus))
  const [held, owned] = [slotsOf(holders.filter((one) => !one.lends)), slotsOf(holders)]
  const free = all.filter((slot) => !owned.has(slot))
  const lent = leases ? all.filter((slot) => owned.has(slot) && !held.has(slot)) : []
  const open = [...free, ...lent]
  const own = before.filter((slot) => open.includes(slot))
  const slots = [...own, ...open.filter((slot) => !own.includes(slot))].slice(0, count)
  if (slots.length === count) return { slots: slots.toSorted((a, b) => a - b) }

  const who = holders
    .filter(({ gpus }) => gpus.length > 0)
    .map(({ id, gpus, lends }) => `${id} holds ${gpus.join(', ')}${lends ? ', asleep' : ''}`)
  const said = `it needs ${count} GPU slots, ${open.length} of ${all.length} are free${who.length > 0 ? ` (${who.join('; ')})` : ''}`
  const comingFrom = (some: readonly Holder[]) => {
    const soon = slotsOf(some)
    return open.length + all.filter((slot) => soon.has(slot) && !open.includes(slot)).length
  }
  if (comingFrom(holders.filter(({ leaving }) => leaving)) >= count)
    return { wait: `${said}; replicas that are stopping will free enough` }
  // Who only leases gives way to who does not: until it is called back it is waited for.
  if (!leases && comingFrom(holders.filter((one) => one.leaving || one.leases)) >= count)
    return { wait: `${said}; some are leased, and will be called back` }
  if (waits && all.length >= count) return { wait: `${said}; it waits for them` }
  return { impossible: `${said}. Slots come from BERYL_GPUS, e.g. BERYL_GPUS=0,1` }
}

/** Who is on these slots while their owner sleeps. */
export function tenantsOn(gpus: readonly number[], holders: readonly Holder[]): readonly string[] {
  return holders.filter((one) => one.lends !== true && overlap(one, gpus)).map(({ id }) => id)
}

/** Sleepers to whom these slots belong. */
export function lendersOf(gpus: readonly number[], holders: readonly Holder[]): readonly string[] {
  return holders.filter((one) => one.lends === true && overlap(one, gpus)).map(({ id }) => id)
}

function overlap({ gpus }: Holder, others: readonly number[]): boolean {
  return gpus.some((slot) => others.includes(slot))
}

/** `BERYL_GPUS=0,1,2,3`, else `CUDA_VISIBLE_DEVICES`: the slots that Beryl may hand out. Without either there are none. */
export function gpuSlotsOf(env: NodeJS.ProcessEnv): number[] {
  const text = env['BERYL_GPUS'] ?? env['CUDA_VISIBLE_DEVICES'] ?? ''
  const parts = text.split(',').map((part) => part.trim())
  return [...new Set(parts.filter((part) => /^\d+$/.test(part)).map(Number))]
}
