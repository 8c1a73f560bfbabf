/** Whose failure is it? One word for each answer, from what the gateway saw of it. */
export type Outcome =
  | 'good'
  /** The version's own failure, silence included. */
  | 'bad'
  /** The client hung up first: nobody's failure, and no loss of Beryl's. */
  | 'gone'
  /** Lost by Beryl: neither good nor bad, in both arms; too many of them pause promotion (rulings §6). */
  | 'void'

const outcomes: Readonly<Record<string, Outcome>> = {
  ok: 'good',
  'error-status': 'bad',
  'connect-failed': 'bad',
  cut: 'bad',
  deadline: 'bad',
  'client-gone': 'gone',
  // By the gateway's own rules, before a replica had it or in spite of it.
  refused: 'gone',
  void: 'void',
}

/** @param seen the gateway's word; one that is not known cannot be judged, and is void */
export function outcomeOf(seen: string): Outcome {
  return (Object.hasOwn(outcomes, seen) ? outcomes[seen] : undefined) ?? 'void'
}
