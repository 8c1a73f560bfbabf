/**
 * The identity gate: every replica of the candidate says which version it serves, before anything else is asked of it. One
 * that says something else, or cannot say, fails; one that does not answer at all leaves it undecided.
 */
import type { Verdict } from '../../release/release.ts'
import { askerOf } from '../ask.ts'
import { inputOf } from '../inputs/input.ts'
import { NoAnswer } from '../wire/exchange.ts'
import type { Answered } from '../ask.ts'
import { short, undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, Target } from '../gate.ts'
import { jsonPath } from '../../protocols/json-path.ts'

export type IdentitySpec = GateSpec & { kind: 'identity' }

type Replica = { address: string; says: string; isIt: boolean | 'unknown' }

const shownLength = 200
const connections = 8

/** @throws JsonPathError for a path that is not understood: nothing is decided then */
export async function identity(
  { request, body, answer, is }: IdentitySpec,
  candidate: Target,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const value = answer === null ? null : jsonPath(answer)
  const { version, addresses } = candidate
  const asker = askerOf({
    timeoutS: request.timeoutS,
    connections,
    signal,
    targets: [candidate],
  })
  const { sent } = inputOf(request, body, 'identity')
  progress(`asks ${addresses.length} replicas`)
  try {
    const replicas = await Promise.all(
      addresses.map((address): Promise<Replica> =>
        asker.ask(address, sent).then(
          (answered) => ({ address, ...said(answered) }),
          (error: unknown) => {
            if (!(error instanceof NoAnswer)) throw error
            return { address, says: error.message, isIt: 'unknown' }
          },
        ),
      ),
    )
    return verdictOf(replicas)
  } finally {
    asker.close()
  }

  function said({ status, says, body }: Answered): Omit<Replica, 'address'> {
    const no = (says: string) => ({ says, isIt: false })
    if (status < 200 || status > 299) return no(says ?? `status ${status}`)
    if (value === null) return told(body.trim())
    try {
      const found = value(JSON.parse(body))
      return found === undefined ? no(`no ${answer} in ${short(body, shownLength)}`) : told(found)
    } catch {
      return no(`no JSON: ${short(body, shownLength)}`)
    }
  }

  /** A server may serve several: a list must have it. */
  function told(found: unknown): Omit<Replica, 'address'> {
    const names = Array.isArray(found) ? found : [found]
    return { says: short(found, shownLength), isIt: names.some((one) => named(one) === is) }
  }

  function verdictOf(replicas: readonly Replica[]): Verdict {
    const evidence = { asked: `${request.method} ${request.path}`, answer, expected: is, replicas }
    const other = replicas.find(({ isIt }) => isIt === false)
    if (other !== undefined)
      return {
        verdict: 'fail',
        because: `${other.address} should say ${is} at ${request.method} ${request.path}, and says ${other.says}`,
        evidence,
      }
    const unknown = replicas.find(({ isIt }) => isIt === 'unknown')
    if (unknown !== undefined)
      return undecided(`${unknown.address} did not say what it serves: ${unknown.says}`, evidence)
    return {
      verdict: 'pass',
      because: `each replica of ${version} (${replicas.length}) says ${is}`,
      evidence,
    }
  }
}

/** `2` and `"2"` name the same version. */
function named(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}
