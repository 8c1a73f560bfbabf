/**
 * The webhook gate: asks a server of the user's. Whatever is not a clear verdict (a time-out, another status than 2xx, a
 * redirect, garbage) is the webhook's own failure, and undecided.
 */
import type { Verdict } from '../../release/release.ts'
import { short, undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { About, GateRun, GateSpec } from '../gate.ts'
import { callOut, originOf } from './call-out.ts'
import { saidVerdict } from './said-verdict.ts'

export type WebhookSpec = GateSpec & { kind: 'webhook' }

const shownLength = 200

/** @throws CallError where it cannot be asked: nothing is decided then */
export async function webhook(
  { url, headers }: WebhookSpec,
  run: Pick<GateRun, 'candidate' | 'live'>,
  about: About,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const origin = originOf(url)
  progress(`asked ${origin}`)
  const key = idempotencyKey(about)
  const { status, body } = await callOut(
    {
      method: 'POST',
      url,
      headers: { ...headers, 'idempotency-key': key },
      body: JSON.stringify({ ...about, ...run, idempotencyKey: key }),
    },
    signal,
  )
  const evidence = { asked: origin, status, idempotencyKey: key }
  const own = (text: string) => undecided(`the webhook itself failed: ${text}`, evidence)
  if (status < 200 || status > 299) return own(`status ${status} (${short(body, shownLength)})`)
  const said = saidVerdict(body)
  if (said === null)
    return own(
      `expected {"verdict": …, "because": …}, came ${short(body, shownLength) || 'an empty body'}`,
    )
  if ('wrong' in said) return own(said.wrong)
  return { ...said, evidence: { ...said.evidence, ...evidence } }
}

/** The same for each try of one attempt: whoever starts work for it starts it once. */
export function idempotencyKey({ release, gate, attempt }: About): string {
  return `${release}/${gate}/${attempt}`
}
