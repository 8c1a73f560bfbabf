/**
 * Lists of scored labels, as classifiers answer: `[{ label, score }, …]`. What matters is which label leads, in which order
 * they stand by score, and what is on the list; in which order they are written does not.
 */
export type Ranked = { labels: ReadonlyMap<string, number>; scoreKey: string }

const labelKeys = ['label', 'name', 'class', 'category', 'id', 'token', 'document', 'index']
const scoreKeys = ['score', 'probability', 'confidence', 'prob', 'relevance_score', 'logit']
/** Pairs are compared: 200 labels are 20,000 of them. */
const labelsMax = 200

/** Null for what is no such list. */
export function rankingOf(list: readonly unknown[]): Ranked | null {
  if (list.length === 0 || list.length > labelsMax) return null
  const [first] = list
  const labelKey = labelKeys.find((key) => ['string', 'number'].includes(typeof of(first, key)))
  const scoreKey = scoreKeys.find((key) => typeof of(first, key) === 'number')
  if (labelKey === undefined || scoreKey === undefined) return null
  const labels = new Map<string, number>()
  for (const one of list) {
    // With more in it than label and score it is compared field by field: nothing may be overlooked.
    if (typeof one !== 'object' || one === null || Object.keys(one).length !== 2) return null
    const [label, score] = [of(one, labelKey), of(one, scoreKey)]
    if (typeof label !== typeof of(first, labelKey) || typeof score !== 'number') return null
    labels.set(String(label), score)
  }
  return labels.size === list.length ? { labels, scoreKey } : null
}

/**
 * 0 for the same order; 1 where another label leads; else the share of pairs that stand the other way round. Scores that
 * `alike` calls equal in both have no order.
 */
export function rankingDistance(
  a: Ranked,
  b: Ranked,
  alike: (one: number, other: number) => boolean,
): number {
  const both = [...a.labels.keys()].filter((label) => b.labels.has(label))
  let [swapped, pairs] = [0, 0]
  for (let i = 0; i < both.length; i++)
    for (let j = i + 1; j < both.length; j++) {
      pairs++
      if (isSwapped(both[i]!, both[j]!)) swapped++
    }
  if (swapped === 0) return 0
  const [leadsA, leadsB] = [leader(a), leader(b)]
  if (leadsA !== leadsB && a.labels.has(leadsB) && isSwapped(leadsA, leadsB)) return 1
  return swapped / pairs

  function isSwapped(one: string, other: string): boolean {
    const [ownOne, ownOther] = [a.labels.get(one)!, a.labels.get(other)!]
    const [hisOne, hisOther] = [b.labels.get(one)!, b.labels.get(other)!]
    if ((ownOne - ownOther) * (hisOne - hisOther) >= 0) return false
    return !(alike(ownOne, ownOther) && alike(hisOne, hisOther))
  }
}

function leader({ labels }: Ranked): string {
  return [...labels].reduce((best, one) => (one[1] > best[1] ? one : best))[0]
}

function of(value: unknown, key: string): unknown {
  return (value as Record<string, unknown> | null | undefined)?.[key]
}
