/**
 * chrF of one text against its reference (Popović 2015), as sacreBLEU 2 counts it for a sentence: character n-grams of 1 to 6 without
 * white space, precision and recall averaged over the orders that both texts have, F with recall twice as important as precision.
 * Between 0 and 1, where sacreBLEU says 0 to 100.
 */
const order = 6
const beta = 2
/** Of either text, in characters: an answer may be megabytes. */
const textMaxLength = 100_000

export function chrf(text: string, reference: string): number {
  const [own, wanted] = [lettersOf(text), lettersOf(reference)]
  let [precision, recall, orders] = [0, 0, 0]
  for (let n = 1; n <= order; n++) {
    const [ownTotal, wantedTotal] = [own.length - n + 1, wanted.length - n + 1]
    if (ownTotal < 1 || wantedTotal < 1) break
    const shared = sharedRuns(runsOf(own, n), runsOf(wanted, n))
    precision += shared / ownTotal
    recall += shared / wantedTotal
    orders++
  }
  if (precision + recall === 0) return 0
  const [p, r] = [precision / orders, recall / orders]
  return ((1 + beta ** 2) * p * r) / (beta ** 2 * p + r)
}

/** Characters, not halves of them; white space as Unicode has it. */
function lettersOf(text: string): string[] {
  return Array.from(text.slice(0, textMaxLength).toWellFormed().replace(/\s+/g, ''))
}

function runsOf(letters: readonly string[], n: number): Map<string, number> {
  const runs = new Map<string, number>()
  for (let at = 0; at + n <= letters.length; at++) {
    const run = letters.slice(at, at + n).join('')
    runs.set(run, (runs.get(run) ?? 0) + 1)
  }
  return runs
}

function sharedRuns(own: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): number {
  let shared = 0
  for (const [run, times] of own) shared += Math.min(times, wanted.get(run) ?? 0)
  return shared
}
