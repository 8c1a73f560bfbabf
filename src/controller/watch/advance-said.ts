/** What was said of answers goes into a watch: by the examiner, who read them, and by people, once they had time to speak. */
import type { Observation } from '../../gateway/control.ts'
import { hear } from '../../guard/hearing.ts'
import type { Handed, Heard, HeardAnswer } from '../../guard/hearing.ts'
import type { Dropped } from '../../guard/reorder.ts'
import { observePairs } from '../../guard/watch.ts'
import type { WatchState } from '../../guard/watch.ts'
import type { Context } from '../../guard/context.ts'
import type { SignalVerdict } from '../../verification/signals/signal.ts'
import { observeEach } from './observe-each.ts'
import type { Opinion } from './opinions.ts'
import type { Watch } from '../store.ts'

export type SaidNow = {
  run: string
  /** Of this service, copies too. */
  seen: readonly Observation[]
  dropped: readonly Dropped[]
  verdicts: readonly SignalVerdict[]
  opinions: readonly Opinion[]
}

/** @param context as for what the gateway saw @param instances new ones are added to it */
export function advanceSaid(
  before: Watch,
  release: string,
  { run, seen, dropped, verdicts, opinions }: SaidNow,
  { watch, context, instances }: { watch: WatchState; context: Context; instances: string[] },
): Pick<Watch, 'watch' | 'said' | 'opinions'> {
  const heard = advanceHeard(
    before,
    release,
    { run, seen, dropped, verdicts },
    { watch, context, instances },
  )
  return advanceOpinions(before, release, { seen, opinions }, { ...heard, context })
}

function advanceHeard(
  before: Watch,
  release: string,
  { run, seen, dropped, verdicts }: Omit<SaidNow, 'opinions'>,
  { watch, context, instances }: { watch: WatchState; context: Context; instances: string[] },
): Pick<Watch, 'watch' | 'said'> {
  const { said, twice, drawn = null } = before
  if (said === null) return { watch, said }
  const { signals } = said
  const sides = sidesOf(release, before)
  const handed = seen.flatMap((one) => handedOf(one, release, sides))
  const told = verdicts.filter(
    (one) => one.id === said.id && (one.isCopy ? one.release === sides.copy : sides.ofLive(one)),
  )
  const heard = told.map(({ isCopy, share, client, replica, values, ...one }): Heard => ({
    run: one.run,
    seq: one.seq,
    isCopy,
    instance: replica,
    drawn: { side: one.release === release ? 'new' : 'old', share, client },
    values,
  }))
  const at = context.at
  const { hearing, due, pairs } = hear(
    said.hearing,
    signals,
    { run, handed, heard, at, dropped },
    instances,
  )
  const now: Context = {
    ...context,
    of: 'answer',
    next: hearing.order.next,
    pairs: context.pairs && twice !== null,
  }
  const single = observeEach(watch, due, { context: now, sticky: drawn?.sticky === true })
  return { watch: observePairs(single, pairs, now), said: { ...said, hearing } }
}

function advanceOpinions(
  before: Watch,
  release: string,
  { seen, opinions }: Pick<SaidNow, 'seen' | 'opinions'>,
  { watch, said, context }: Pick<Watch, 'watch' | 'said'> & { context: Context },
): Pick<Watch, 'watch' | 'said' | 'opinions'> {
  const { opinions: known, drawn = null } = before
  if (known === null) return { watch, said, opinions: known }
  const shares = { ...known.shares }
  for (const { isCopy, generation, share } of seen)
    if (isCopy !== true) shares[generation] = share ?? null
  const sides = sidesOf(release, before)
  const judged = opinions.flatMap((one): HeardAnswer[] => {
    const { signal, release: by, generation, client, value } = one
    const share = shares[generation]
    if (share === undefined || !sides.ofLive({ release: by, share, client })) return []
    const said = { outcome: 'good', instance: '', firstByteMs: null, totalMs: null } as const
    // A client speaks once of each signal.
    return [
      {
        side: by === release ? 'new' : 'old',
        share,
        client: `${client} ${signal}`,
        answer: { ...said, values: { [signal]: value } },
      },
    ]
  })
  const after = opinions.reduce((last, one) => Math.max(last, one.answeredAt), known.after)
  const now: Context = { ...context, of: 'feedback', pairs: false }
  return {
    watch: observeEach(watch, judged, { context: now, sticky: drawn?.sticky === true }),
    said,
    opinions: { after, shares },
  }
}

/** Whose answers count: the new version's, the old one's where it was drawn, and copies that the old one answered. */
function sidesOf(release: string, { twice, drawn }: Watch) {
  return {
    copy: twice?.old ?? null,
    ofLive: (one: { release: string; share?: number | null; client?: number }) => {
      if (one.release === release) return true
      if (drawn == null || one.release !== drawn.old || one.share == null) return false
      return !(drawn.sticky && one.client === 0)
    },
  }
}

function handedOf(
  item: Observation,
  release: string,
  { copy, ofLive }: ReturnType<typeof sidesOf>,
): Handed[] {
  const { seq, isCopy = false, heard, copied = false } = item
  const is = heard === undefined ? 'none' : heard ? 'owed' : 'lost'
  if (isCopy) return item.release === copy ? [{ seq, isCopy, is, isPair: false }] : []
  if (!ofLive(item)) return [{ seq, isCopy, is: 'none', isPair: false }]
  return [{ seq, isCopy, is, isPair: copied && item.release === release }]
}
