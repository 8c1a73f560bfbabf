/** One answer to one of the questions that a golden set is asked. */
export type Finding = { verdict: 'pass' | 'fail' | 'undecided'; text: string }

/** A live version that fails on more inputs than this is no measure for anybody. */
export const liveFailuresMax = 0.05

/** Where live is no measure: a floor decides alone, and without one nothing is decided. */
export function failuresOf({
  failing,
  total,
  floor,
}: {
  failing: number
  total: number
  floor: boolean
}): Finding {
  const broken = `the live version failed on ${failing} of ${total} inputs`
  return floor
    ? { verdict: 'pass', text: `${broken} and is no measure: the floor alone decided` }
    : {
        verdict: 'undecided',
        text: `${broken}, and there is no floor (atLeast, atMost, expects): "no worse" says nothing`,
      }
}
