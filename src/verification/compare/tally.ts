/**
 * What a comparison of two versions has found so far, beside what live contradicts itself on. Memory is bounded: counts, and
 * the few worst examples. Pure; `judge.ts` makes the verdict.
 *
 * Live is asked a second time for some inputs, chosen beforehand and never by their answers. Candidate and second answer are
 * both held against live's first. On a field the candidate is *farther* where it differs and the second answer does not, or
 * where it differs more by `degreeMin`; *nearer* the other way round. Two runs of the same version are farther as often as
 * nearer, however random they are: farther minus nearer is what lies beyond the noise. Of an input as a whole the field
 * decides that is the farthest or the nearest.
 */
import type { Verdict } from '../../release/release.ts'
import { short } from '../examination.ts'
import { jsonPath } from '../../protocols/json-path.ts'
import type { Answer, Difference, TextLikeness } from './comparison.ts'
import { slicesMax } from './counts.ts'
import type { Counts, TallyRules } from './counts.ts'
import { comparer } from './differences.ts'
import { openExamples } from './examples.ts'
import { judge } from './judge.ts'

export type Compared = {
  /** Names the input to people: a request id, a line. */
  id: string
  /** As JSON where it is; for slices and examples. */
  request: unknown
  live: Answer
  candidate: Answer
  /** Live's second answer; null where it was not asked again. */
  again: Answer | null
}

/** Texts that both differ: less than this apart they are as far. */
const degreeMin = 0.1
const fieldsMax = 100
const nameMaxLength = 120

export type Tally = ReturnType<typeof openTally>

/** @throws JsonPathError for a path that is not understood */
export function openTally(rules: TallyRules) {
  const compare = comparer(rules.how)
  const sliceOf = rules.slice === null ? null : jsonPath(rules.slice)
  const whole = noCounts()
  const fields = new Map<string, Counts>()
  const slices = new Map<string, Counts>()
  const examples = openExamples()
  let liveFailed = 0
  let twiceDiffers = 0
  let unjudged = 0
  let lastFailure = ''

  return {
    /** An input that live failed on says nothing about the candidate: it is counted, and that is all. */
    add(compared: Compared, alike?: TextLikeness): void {
      const { live, candidate, again } = compared
      if (isFailure(live)) return void liveFailed++
      const found = compare(live, candidate, alike)
      const noise = again === null ? null : compare(live, again, alike)
      const slice =
        sliceOf === null ? null : countsOf(slices, nameOf(sliceOf(compared.request)), slicesMax)
      if (noise !== null && found.length > 0) twiceDiffers++
      const gain = count(farthest(found), noise === null ? null : farthest(noise), slice)
      examples.add(compared, { found, noise, gain })
    },
    /** Texts that are not the same, whoever says how alike they are. */
    textsOf({ live, candidate, again }: Compared): (readonly [string, string])[] {
      const texts: (readonly [string, string])[] = []
      const note: TextLikeness = (a, b) => {
        if (!texts.some(([one, other]) => one === a && other === b)) texts.push([a, b])
        return 0
      }
      if (!isFailure(live)) compare(live, candidate, note)
      if (!isFailure(live) && again !== null) compare(live, again, note)
      return texts
    },
    /** Nobody could say how alike the answers are: evidence for neither side. */
    undecided(because: string): void {
      unjudged++
      lastFailure = because
    },
    /** Inputs compared so far: for progress. */
    get compared() {
      return whole.total
    },
    get askedTwice() {
      return whole.twice
    },
    get liveFailed() {
      return liveFailed
    },
    /** @param versions names, for the sentence */
    verdict: (versions: { candidate: string; live: string }): Verdict =>
      judge(rules, versions, {
        whole,
        fields,
        slices,
        twiceDiffers,
        liveFailed,
        unjudged: { count: unjudged, because: lastFailure },
        examples: examples.worst(),
      }),
  }

  /** @returns how much farther than live's own noise the input is: what an example is worth showing for */
  function count(own: Distances, noise: Distances | null, slice: Counts | null): number {
    const scopes = slice === null ? [whole] : [whole, slice]
    for (const scope of scopes) {
      scope.total++
      if (own.size > 0) scope.differs++
      if (noise === null) continue
      scope.twice++
      if (noise.size > 0) scope.noisy++
    }
    let [farther, nearer] = [0, 0]
    for (const field of new Set([...own.keys(), ...(noise?.keys() ?? [])])) {
      const counts = countsOf(fields, field, fieldsMax)
      const [a, b] = [own.get(field) ?? 0, noise?.get(field) ?? 0]
      if (a > 0) counts.differs++
      if (noise === null) continue
      if (b > 0) counts.noisy++
      if (b > 1 - degreeMin) counts.full++
      if (isFarther(a, b)) counts.farther++
      if (isFarther(b, a)) counts.nearer++
      if (isFarther(a, b)) farther = Math.max(farther, a - b)
      if (isFarther(b, a)) nearer = Math.max(nearer, b - a)
    }
    for (const scope of scopes) {
      if (farther > nearer) scope.farther++
      if (nearer > farther) scope.nearer++
    }
    return farther - nearer
  }
}

/** 5xx, too many requests, no answer: a version that could not, and no answer of its model. */
export function isFailure({ status }: Answer): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500
}

/** Field → the largest distance on it. */
type Distances = ReadonlyMap<string, number>

function farthest(differences: readonly Difference[]): Distances {
  const distances = new Map<string, number>()
  for (const { field, distance } of differences)
    distances.set(field, Math.max(distances.get(field) ?? 0, distance))
  return distances
}

function isFarther(a: number, b: number): boolean {
  return a > 0 && (b === 0 || a - b >= degreeMin)
}

function noCounts(): Counts {
  return { total: 0, differs: 0, twice: 0, noisy: 0, farther: 0, nearer: 0, full: 0 }
}

/** What comes after the first `most` names is counted together. */
function countsOf(all: Map<string, Counts>, asked: string, most: number): Counts {
  const name = all.has(asked) || all.size < most ? asked : '(others)'
  const counts = all.get(name) ?? noCounts()
  all.set(name, counts)
  return counts
}

function nameOf(slice: unknown): string {
  return slice === undefined ? '(none)' : short(slice, nameMaxLength)
}
