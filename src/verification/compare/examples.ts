/** The worst disagreements, side by side, ready to be read. Few, and short. */
import { short } from '../examination.ts'
import type { Difference } from './comparison.ts'
import { shownLength } from './comparison.ts'

export type Example = {
  id: string
  request: string
  at: string
  kind: Difference['kind']
  live: string
  candidate: string
  /** Live's second answer at the same place; null where it was not asked again. */
  liveAgain: string | null
}

const examplesMax = 10
/** One field that is always wrong must not hide the others. */
const ofOneField = 3
const idMaxLength = 100

export function openExamples() {
  let worst: { harm: number; field: string; example: Example }[] = []

  return {
    /** @param gain how much farther than live's own noise it is; without a second answer nobody knows */
    add(
      { id, request }: { id: string; request: unknown },
      {
        found,
        noise,
        gain,
      }: { found: readonly Difference[]; noise: readonly Difference[] | null; gain: number },
    ): void {
      if (found.length === 0 || (noise !== null && gain <= 0)) return
      const difference = theOne(found, noise ?? [])
      const { field, at, kind, a, b, distance } = difference
      // What is known to be no noise comes first.
      const harm = noise === null ? distance / 2 : gain
      if (!isWorse(harm, field)) return
      const liveAgain = noise?.find((one) => one.at === at)?.b ?? (noise === null ? null : a)
      const shown = { id: short(id, idMaxLength), request: short(request, shownLength) }
      const example = { ...shown, at, kind, live: a, candidate: b, liveAgain }
      worst = fewOfEach(
        [...worst, { harm, field, example }].toSorted((one, other) => other.harm - one.harm),
      )
    },
    worst: (): readonly Example[] => worst.map(({ example }) => example),
  }

  function isWorse(harm: number, field: string): boolean {
    const same = worst.filter((one) => one.field === field)
    const rivals = same.length >= ofOneField ? same : worst.length >= examplesMax ? worst : []
    return rivals.length === 0 || harm > rivals.at(-1)!.harm
  }
}

/** The difference that stands out most from the noise. */
function theOne(found: readonly Difference[], noise: readonly Difference[]): Difference {
  const beyond = ({ field, distance }: Difference) =>
    distance - Math.max(0, ...noise.filter((one) => one.field === field).map((one) => one.distance))
  return found.reduce((best, one) => (beyond(one) > beyond(best) ? one : best))
}

function fewOfEach<Kept extends { field: string }>(sorted: readonly Kept[]): Kept[] {
  const counts = new Map<string, number>()
  return sorted
    .filter(({ field }) => {
      const count = (counts.get(field) ?? 0) + 1
      counts.set(field, count)
      return count <= ofOneField
    })
    .slice(0, examplesMax)
}
