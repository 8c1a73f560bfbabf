/** At the end of a step answers of two steps lie side by side: each part is judged by the share by which it was drawn. Pure. */
import type { Context, Judged } from '../../guard/context.ts'
import type { HeardAnswer } from '../../guard/hearing.ts'
import { observe } from '../../guard/watch.ts'
import type { WatchState } from '../../guard/watch.ts'

/** @param due in assignment order @param sticky clients stick to a version, while it is drawn */
export function observeEach(
  before: WatchState,
  due: readonly HeardAnswer[],
  { context, sticky }: { context: Context; sticky: boolean },
): WatchState {
  let state = before
  let part: Judged[] = []
  let share: number | null = null
  const judge = () => {
    state = observe(state, part, { ...context, share, sticky: sticky && share !== null })
    part = []
  }
  for (const one of due) {
    // What was lost says not how it was drawn.
    const isKnown = one.answer.outcome !== 'void' || one.share !== null
    if (isKnown && one.share !== share) {
      judge()
      share = one.share
    }
    part.push(one)
  }
  judge()
  return state
}
