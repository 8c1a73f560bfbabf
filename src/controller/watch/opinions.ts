/**
 * What people said of answers, as evidence. Each is judged at the same age of its answer, in the order in which requests were
 * assigned: whoever speaks early is no more right than who speaks late. What comes later is kept with its version, and does not decide.
 */
import type { Feedback, FeedbackKind } from '../../storage/feedback.ts'
import type { ControllerStore } from '../store.ts'

/** How feedback of one kind is read: a score as it is; thumbs, hand-off and labels as "bad or not". */
export type OpinionSpec = {
  kind: FeedbackKind
  /** Of labels: these are bad. */
  bad: readonly string[]
  /** The age at which an answer is judged by what was said of it. */
  withinS: number
}

export type Opinion = {
  signal: string
  release: string
  generation: number
  /** Whose request it was, where clients stuck to a version; else 0. */
  client: number
  answeredAt: number
  value: boolean | number
}

/** Request ids tell the second only: one that is not over may still get more. */
const secondMs = 1000

/**
 * What became old enough since `after`.
 * @param after answered at, wall, ms: what was answered up to then is judged already
 * @param at wall, ms
 */
export function opinionsDue(
  { feedback }: Pick<ControllerStore, 'feedback'>,
  service: string,
  specs: Readonly<Record<string, OpinionSpec>>,
  { after, at }: { after: number; at: number },
): Opinion[] {
  // One cursor for all signals: they are judged at the age of the slowest.
  const until = at - ageOf(specs) - secondMs
  if (!(until > after)) return []
  const said = feedback.between(service, after, until)
  return said.flatMap((one) =>
    Object.entries(specs).flatMap(([signal, spec]) => {
      const value = inTime(one, spec) ? valueOf(one, spec) : null
      if (value === null) return []
      const { release, generation, client, answeredAt } = one
      return [{ signal, release, generation, client, answeredAt, value }]
    }),
  )
}

/** What was said of a release's answers before: bad ones and all, by signal. Scores have none. */
export function opinionCounts(
  { feedback }: Pick<ControllerStore, 'feedback'>,
  release: string,
  specs: Readonly<Record<string, OpinionSpec>>,
): Record<string, { bad: number; total: number }> {
  const said = feedback.of(release)
  return Object.fromEntries(
    Object.entries(specs).map(([signal, spec]) => {
      const values = said
        .filter((one) => inTime(one, spec))
        .map((one) => valueOf(one, spec))
        .filter((value) => typeof value === 'boolean')
      return [signal, { bad: values.filter(Boolean).length, total: values.length }]
    }),
  )
}

export function ageOf(specs: Readonly<Record<string, OpinionSpec>>): number {
  return 1000 * Math.max(0, ...Object.values(specs).map(({ withinS }) => withinS))
}

function inTime({ at, answeredAt }: Feedback, { withinS }: OpinionSpec): boolean {
  return at <= answeredAt + secondMs + withinS * 1000
}

/** Null: it is of another kind. */
function valueOf({ kind, value }: Feedback, spec: OpinionSpec): boolean | number | null {
  if (kind !== spec.kind) return null
  if (kind === 'score') return typeof value === 'number' ? value : null
  if (kind === 'label') return typeof value === 'string' ? spec.bad.includes(value) : null
  if (typeof value !== 'boolean') return null
  return kind === 'thumbs' ? !value : value
}
