/** What a batch of observations changes beside the evidence: the counters of each release, and replicas that were set aside. Pure. */
import type { Observation } from '../../gateway/control.ts'
import { outcomeOf } from '../../guard/outcome.ts'
import type { NewEvent } from '../../storage/events.ts'
import type { Totals } from '../../storage/traffic.ts'
import type { Watch } from '../store.ts'

/** By service and release. What is void, or whose client went away, is neither good nor bad. */
export function answerTotals(
  items: readonly Observation[],
): ({ service: string; release: string } & Totals)[] {
  const totals = new Map<string, { service: string; release: string } & Totals>()
  for (const item of items) {
    const outcome = outcomeOf(item.outcome)
    if (outcome === 'void' || outcome === 'gone') continue
    const { service, release } = item
    const key = `${service} ${release}`
    const sum = totals.get(key) ?? { service, release, total: 0, bad: 0 }
    sum.total++
    if (outcome === 'bad') sum.bad++
    totals.set(key, sum)
  }
  return [...totals.values()]
}

/** Written together with the evidence that says so: once, whatever crashes. @param at wall time, ms */
export function setAsideEvents(
  release: string,
  { before, after }: { before: Watch; after: Watch },
  at: number,
): NewEvent[] {
  const known = before.watch.instances.aside
  return after.watch.instances.aside
    .filter((instance) => !known.includes(instance))
    .map((instance) => {
      const { total = 0, bad = 0 } =
        after.watch.instances.known.find(({ name }) => name === instance) ?? {}
      return {
        at,
        service: after.service,
        release,
        kind: 'replica',
        by: 'guard',
        text: `${instance} is worse than its siblings (${bad} errors in ${total} answers): it is replaced, and what it answered is set aside`,
        data: { replica: instance, total, bad, instances: after.watch.instances.known },
      }
    })
}
