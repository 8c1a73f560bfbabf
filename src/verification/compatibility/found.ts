/** What was found so far: which fields are broken on which routes, how often, and a few examples. Bounded. */
import { short } from '../examination.ts'
import type { Broken } from './breaks.ts'

export type Problem = { route: string; field: string; said: string; times: number }

type Example = { id: string; route: string; problem: string; request: string; answer: string }

const problemsMax = 100
const problemsShown = 20
const examplesMax = 10
/** One field that is always wrong must not hide the others. */
const ofOneField = 3
const saidMaxLength = 200

export function openFound() {
  const problems = new Map<string, Problem>()
  const failures = new Map<number, number>()
  const examples: Example[] = []
  let [asked, broken, unanswered] = [0, 0, 0]
  let ofLive = 0

  return {
    /** @param status 0: no answer */
    unanswered(status: number): void {
      asked++
      unanswered++
      failures.set(status, (failures.get(status) ?? 0) + 1)
    },

    /** @param noise fields that live breaks as well, now @param show made only where it is kept */
    answered(
      {
        id,
        route,
        breaks,
        noise,
      }: { id: string; route: string; breaks: readonly Broken[]; noise: readonly string[] },
      show: () => { request: string; answer: string },
    ): void {
      asked++
      const own = breaks.filter(({ field }) => !noise.includes(field))
      ofLive += breaks.length - own.length
      if (own.length === 0) return
      broken++
      for (const { field, said } of own) count(route, field, short(said, saidMaxLength))
      const [first] = own
      const same = examples.filter(({ problem }) => problem === first!.said).length
      if (examples.length >= examplesMax || same >= ofOneField) return
      examples.push({ id, route, problem: first!.said, ...show() })
    },

    get asked() {
      return asked
    },
    get broken() {
      return broken
    },
    get unansweredCount() {
      return unanswered
    },
    /** The most frequent first. */
    problems: sorted,

    evidence: () => ({
      broken,
      unanswered,
      unansweredKinds: [...failures].map(([status, times]) => ({
        failure: status === 0 ? 'no answer' : `status ${status}`,
        times,
      })),
      liveBreaksToo: ofLive,
      problems: sorted().slice(0, problemsShown),
      examples,
    }),
  }

  function count(route: string, field: string, said: string): void {
    const key = `${route} ${field}`
    const known = problems.get(key)
    if (known !== undefined) known.times++
    else if (problems.size < problemsMax) problems.set(key, { route, field, said, times: 1 })
  }

  function sorted(): Problem[] {
    return [...problems.values()].toSorted((a, b) => b.times - a.times)
  }
}
