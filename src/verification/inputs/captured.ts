/** Requests as clients sent them, from the capture: those that live answered well, and that may be asked a second time. */
import { mayBeCopied } from '../../ipc/copyable.ts'
import { askedFor, jsonIn } from '../../protocols/protocol.ts'
import { bytesOf } from '../capture/captured.ts'
import type { Captured } from '../capture/captured.ts'
import type { Captures } from '../capture/captures.ts'
import { redactedMark } from '../capture/redact.ts'
import type { CapturedRules } from '../gate.ts'
import { copyOfCaptured, sentFrom } from '../pairs/copy.ts'
import { keptMaxBytes } from './golden.ts'
import type { Input } from './input.ts'

/** The newest ones. */
const recordsMax = 2000

/**
 * In the order in which they came. What live did not answer with a 2xx status is no measure. Where anything else will do as well
 * (`only` is false), what was taken out of is left out: without its authorization a good version would refuse it.
 */
export async function capturedInputs(
  { copy, headers, only }: CapturedRules,
  {
    service,
    captures,
    purpose,
  }: { service: string; captures: Pick<Captures, 'newest'>; purpose: string },
): Promise<Input[]> {
  const found = (await captures.newest(service, recordsMax))
    .filter(({ request }) => mayBeCopied(copy, request))
    .filter(({ answer: { status } }) => status >= 200 && status <= 299)
    .filter((one) => only || isWhole(one))
    .toSorted((a, b) => b.at - a.at)
  const kept: Input[] = []
  let bytes = 0
  for (const one of found) {
    const input = capturedInput(one, headers, purpose)
    bytes += input.size
    if (bytes > keptMaxBytes) break
    kept.push(input)
  }
  return kept.toReversed()
}

export function capturedInput(
  one: Captured,
  headers: Readonly<Record<string, string>>,
  purpose: string,
): Input {
  const sent = sentFrom(copyOfCaptured(one, headers), purpose)
  const size = Buffer.byteLength(sent.body)
  const body = jsonIn(bytesOf(one.request.body).toString())
  return { sent, asked: askedFor(sent.target, body), size }
}

function isWhole({ request }: Captured): boolean {
  return !JSON.stringify(request).includes(redactedMark)
}
