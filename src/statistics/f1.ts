/**
 * F1 over a set of labelled inputs, each with one label or several (van Rijsbergen 1979; averages as in Yang 1999). `micro`: 2TP / (2TP +
 * FP + FN) over all labels together. `macro`: the same for each label that was expected or answered, and the mean of them.
 *
 * Its chance comes from the influence of each input (delta method): F1 is a smooth function of sums over the inputs, of degree 0
 * in them, so its variance is the sum of the squares of gradient times contribution.
 *
 * Reference (by hand, as scikit-learn counts): expected a a b b c, answered a b b b a → micro 0.6, macro (0.5 + 0.8 + 0) / 3 = 0.4333.
 */
export type Labelled = { expected: readonly string[]; answered: readonly string[] }

export type F1 = {
  /** 0 to 1; NaN where no label was expected or answered. */
  value: number
  /** Of each input, in their order: what it moves the value by. They sum to 0. */
  influence: Float64Array
}

type Counts = { hit: number; extra: number; missed: number }

const together = ''

export function f1(inputs: readonly Labelled[], average: 'micro' | 'macro'): F1 {
  const nameOf = (label: string) => (average === 'micro' ? together : label)
  const counts = new Map<string, Counts>()
  for (const input of inputs)
    for (const [label, kind] of contributions(input)) {
      const name = nameOf(label)
      const known = counts.get(name) ?? { hit: 0, extra: 0, missed: 0 }
      known[kind]++
      counts.set(name, known)
    }
  const values = [...counts.values()].map(
    ({ hit, extra, missed }) => (2 * hit) / (2 * hit + extra + missed),
  )
  const value = values.reduce((sum, one) => sum + one, 0) / values.length
  const influence = Float64Array.from(inputs, (input) => {
    let moved = 0
    for (const [label, kind] of contributions(input)) {
      const { hit, extra, missed } = counts.get(nameOf(label))!
      const all = (2 * hit + extra + missed) ** 2
      moved += kind === 'hit' ? (2 * (extra + missed)) / all : (-2 * hit) / all
    }
    return moved / counts.size
  })
  return { value, influence }
}

/** Of one input: 1 where both have the same labels, 0 where they share none. */
export function f1OfOne({ expected, answered }: Labelled): number {
  const [own, wanted] = [new Set(answered), new Set(expected)]
  if (own.size + wanted.size === 0) return 1
  return (2 * [...own].filter((label) => wanted.has(label)).length) / (own.size + wanted.size)
}

/** @param influence of each input, or the difference of two @returns the standard error of what they add up to */
export function standardErrorOf(influence: Float64Array): number {
  const { length } = influence
  if (length < 2) return Infinity
  return Math.sqrt((influence.reduce((sum, one) => sum + one * one, 0) * length) / (length - 1))
}

/** Each label once. */
function* contributions({ expected, answered }: Labelled): Generator<[string, keyof Counts]> {
  const [own, wanted] = [new Set(answered), new Set(expected)]
  for (const label of own) yield [label, wanted.has(label) ? 'hit' : 'extra']
  for (const label of wanted) if (!own.has(label)) yield [label, 'missed']
}
