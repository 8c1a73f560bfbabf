/** What a release asked of its versions beside clients: read from what its gates and its watch put down as evidence. */
import type { CostView } from '../../api/shapes.ts'
import type { ControllerStore } from '../store.ts'

type Requests = CostView['releases'][number]['requests']
type Tokens = NonNullable<CostView['releases'][number]['tokens']>

/** The last attempt of each gate; what an earlier one asked, or one that was lost, is not known. */
export function requestsOf(
  store: Pick<ControllerStore, 'gates' | 'services' | 'events'>,
  id: string,
): Requests {
  const release = store.services.release(id)
  const sum: Requests = { mirrored: 0, replayed: 0, judged: 0, golden: 0, load: 0 }
  if (release === null) return sum
  for (const { state } of store.gates.of(id)) {
    if (state.state !== 'decided') continue
    const kind = release.rules.gates.find(({ name }) => name === state.name)?.kind
    const { evidence } = state
    if (kind === 'shadow') sum.mirrored += numberAt(evidence, 'copies', 'arrived')
    if (kind === 'shadow') sum.judged += numberAt(evidence, 'copies', 'compared')
    if (kind === 'goldenSet') sum.golden += numberAt(evidence, 'requests')
    if (kind === 'load') sum.load += sentUnder(evidence)
    if (kind !== 'replay') continue
    const compared = numberAt(evidence, 'replayed', 'compared')
    sum.replayed += compared
    sum.judged += compared
  }
  const pairs = pairsOf(store, id)
  return { ...sum, mirrored: sum.mirrored + pairs, judged: sum.judged + pairs }
}

/**
 * Of its gates, both versions together, or of the models that judged them; null: none of them speaks of tokens.
 * @param whose as the gates put it down
 */
export function tokensOf(
  store: Pick<ControllerStore, 'gates'>,
  id: string,
  whose: 'tokens' | 'judgeTokens',
): Tokens | null {
  const told = store.gates
    .of(id)
    .flatMap(({ state }) => (state.state === 'decided' ? [state.evidence[whose]] : []))
    .filter((one): one is Tokens => typeof one === 'object' && one !== null && 'written' in one)
  if (told.length === 0) return null
  const sum = (key: keyof Tokens) => told.reduce((all, one) => all + one[key], 0)
  return {
    asked: sum('asked'),
    written: sum('written'),
    estimated: sum('estimated'),
    askedNotKnown: sum('askedNotKnown'),
    writtenNotKnown: sum('writtenNotKnown'),
  }
}

/** At the rate that was asked for, and on the way up. */
function sentUnder(evidence: Record<string, unknown>): number {
  const { climbed = [] } = evidence as { climbed?: { sent?: number }[] }
  const held = numberAt(evidence, 'held', 'sent')
  return climbed.reduce((all, { sent = 0 }) => all + sent, held)
}

/** Of the control group: answers of both versions to the same request. */
function pairsOf({ events }: Pick<ControllerStore, 'events'>, id: string): number {
  const watch = events
    .ofRelease(id)
    .flatMap(({ data }) => (data['watch'] == null ? [] : [data['watch']]))
    .at(-1)
  const { signals = [] } = (watch ?? {}) as { signals?: { judged?: Record<string, number> }[] }
  return Math.max(0, ...signals.map(({ judged }) => judged?.['paired'] ?? 0))
}

function numberAt(evidence: Record<string, unknown>, ...path: string[]): number {
  let value: unknown = evidence
  for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key]
  return typeof value === 'number' ? value : 0
}
