/** Feedback on an answer: whoever holds its signed id may give it, late or not, and it goes to the version that answered. */
import type { FeedbackAsked, FeedbackView } from '../../api/shapes.ts'
import { readRequestId } from '../../gateway/request-id.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Now } from '../../release/release.ts'
import type { ControllerStore } from '../store.ts'

/** An id is a permission for so long (rulings §15). */
const permittedMs = 30 * 24 * 3600 * 1000
/** Clocks of one machine; more than this ahead is no clock. */
const aheadMs = 60_000

/** @throws ProblemError `forged-request-id`, `request-too-old`, `unknown-request`, `wrong-value` */
export function takeFeedback(
  { store, now, key }: { store: ControllerStore; now: () => Now; key: () => Buffer },
  { requestId, kind, value }: FeedbackAsked,
  by: string,
): FeedbackView {
  const facts = readRequestId(key(), requestId)
  if (facts === null)
    throw new ProblemError({
      status: 403,
      code: 'forged-request-id',
      title: 'this request id was not signed by this Beryl',
      hint: 'send the value of the Beryl-Request-Id header of the answer, unchanged',
    })
  const at = now().wall
  const age = at - facts.at
  if (age > permittedMs || age < -aheadMs)
    throw new ProblemError({
      status: 410,
      code: 'request-too-old',
      title: `feedback is taken for 30 days, this request is of ${new Date(facts.at).toISOString()}`,
    })
  const release = store.services.release(facts.release)
  if (release === null || release.service !== facts.service)
    throw new ProblemError({
      status: 404,
      code: 'unknown-request',
      title: `this request was answered by ${facts.release} of ${facts.service}, which is not in this data directory`,
    })
  const said = valueOf(kind, value)
  const { service, run, seq, version, generation, client } = facts
  const { replaced } = store.feedback.put({
    service,
    release: release.id,
    version,
    run,
    seq,
    generation,
    client,
    kind,
    value: said,
    answeredAt: facts.at,
    at,
    actor: by,
  })
  return { service, release: release.id, version, kind, value: said, replaced }
}

/** Thumbs are kept as yes and no. */
function valueOf(kind: FeedbackAsked['kind'], value: unknown): number | boolean | string {
  if (kind === 'score' && typeof value === 'number' && value >= 0 && value <= 1) return value
  if (kind === 'thumbs' && (value === 'up' || value === 'down')) return value === 'up'
  if (kind === 'handoff' && typeof value === 'boolean') return value
  if (kind === 'label' && typeof value === 'string' && value !== '' && value.length <= labelMax)
    return value
  throw new ProblemError({
    status: 400,
    code: 'wrong-value',
    title: `feedback of kind ${kind} expects ${expected[kind]}, it came with ${JSON.stringify(value)?.slice(0, 100)}`,
  })
}

const labelMax = 1000

const expected: Record<FeedbackAsked['kind'], string> = {
  score: 'a number from 0 to 1',
  thumbs: '"up" or "down"',
  handoff: 'true (a person had to take over) or false',
  label: `a text of at most ${labelMax} characters`,
}
