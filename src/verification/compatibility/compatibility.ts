/**
 * The compatibility gate: requests that clients really sent are still taken, and what clients read in the answers is still there,
 * with its types. What they read is learned from the answers that they were given, or said by a JSON Schema.
 *
 * What live itself does not keep to when it is asked the same now is no break: some fields come and go. An answer that does not
 * come, or a 5xx status, breaks nothing; where that happens too often, nothing is decided.
 */
import { mayBeCopied } from '../../ipc/copyable.ts'
import type { Verdict } from '../../release/release.ts'
import type { Captured } from '../capture/captured.ts'
import type { Captures } from '../capture/captures.ts'
import { decoded } from '../capture/decode.ts'
import type { Answer } from '../compare/comparison.ts'
import { isFailure } from '../compare/tally.ts'
import { short, undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { GateSpec, Target } from '../gate.ts'
import { recordsMin } from '../inputs/inputs.ts'
import { copyOfCaptured, sentFrom } from '../pairs/copy.ts'
import type { Copy } from '../pairs/copy.ts'
import { keeperOf, noAnswer } from '../pairs/kept.ts'
import { eachOf } from '../pool.ts'
import { lineOf } from '../send.ts'
import { NoAnswer } from '../wire/exchange.ts'
import { breaksBy } from './breaks.ts'
import type { Broken } from './breaks.ts'
import { openFound } from './found.ts'
import { routeOf } from './routes.ts'

export type CompatibilitySpec = GateSpec & { kind: 'compatibility' }

type Sides = { service: string; candidate: Target; live: Target | null }

/** Of the requests: with more unanswered, too little was seen. */
const unansweredMax = 0.05

/** @throws Error where the gate could not be taken: nothing is decided then */
export async function compatibility(
  spec: CompatibilitySpec,
  { service, candidate, live }: Sides,
  captures: Pick<Captures, 'newest'>,
  { signal, progress }: Examination,
): Promise<Verdict> {
  const records = await recordsFor(spec, service, captures)
  if (records.length < recordsMin)
    return undecided(
      `${records.length} requests are recorded that may be asked once more and that live answered, and ${recordsMin} are the least: wait for traffic, raise capture.share, or \`beryl capture ${service} import FILE\`; then retry`,
    )
  const breaksOf = breaksBy(spec, records)
  const keeper = keeperOf(spec.redact)
  const found = openFound()
  // By the names that clients use: whether those are still taken is the question.
  const targets = [candidate, ...(live === null ? [] : [live])].map((one) => ({
    ...one,
    renames: undefined,
  }))
  const line = lineOf({ connections: spec.concurrency, signal, targets })
  try {
    await eachOf(records, { concurrency: spec.concurrency, signal }, async (one, index) => {
      const copy = copyOfCaptured(one, spec.headers)
      const own = await ask(candidate, copy, index)
      if (isFailure(own)) found.unanswered(own.status)
      else {
        const breaks = breaksOf(one, own)
        // Asked again only where it matters.
        const other = breaks.length === 0 ? null : await askLive(copy, index)
        const noise = other === null || isFailure(other) ? [] : breaksOf(one, other)
        const route = keeper.text(routeOf(copy.method, copy.target))
        found.answered(
          {
            id: one.requestId,
            route,
            breaks: breaks.map(shownBreak),
            noise: noise.map(({ field }) => field),
          },
          () => ({
            request: short(keeper.request(copy), shownLength),
            answer: short(shown(own), shownLength),
          }),
        )
      }
      progress(`${found.asked} of ${records.length} recorded requests`)
    })
  } finally {
    line.close()
  }
  return verdict()

  function askLive(copy: Copy, index: number): Promise<Answer | null> {
    return live === null || live.addresses.length === 0
      ? Promise.resolve(null)
      : ask(live, copy, index)
  }

  /** Whatever a server does is an answer, or none. @throws the reason of `signal` once that is aborted */
  async function ask({ addresses }: Target, copy: Copy, index: number): Promise<Answer> {
    try {
      const sent = sentFrom(copy, 'compatibility')
      const { status, headers, chunks } = await line.send(
        sent,
        addresses[index % addresses.length]!,
        spec.timeoutS,
      )
      const body = Buffer.concat(chunks.map(({ bytes }) => bytes))
      const plain = decoded(body, headers['content-encoding'] ?? '') ?? body
      return { status, headers: { 'content-type': headers['content-type'] ?? '' }, body: plain }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NoAnswer || error instanceof TypeError) return noAnswer
      throw error
    }
  }

  /** A schema's complaint names a place in the answer. */
  function shownBreak({ field, said }: Broken): Broken {
    return { field, said: keeper.text(said) }
  }

  /** What may be shown of it. */
  function shown({ status, headers, body }: Answer): string {
    const kept = keeper.answer(status, headers, Buffer.from(body))
    return `${status} ${Buffer.from(kept.body).toString()}`
  }

  function verdict(): Verdict {
    const { broken, unansweredCount, problems } = found
    const evidence = { records: records.length, ...found.evidence(), learned: breaksOf.learned() }
    const { version } = candidate
    if (broken > 0) {
      const [most] = problems()
      return {
        verdict: 'fail',
        because: `${version} breaks what clients rely on in ${broken} of ${records.length} recorded requests: ${most!.said} (${most!.times})`,
        evidence,
      }
    }
    if (unansweredCount > unansweredMax * records.length)
      return undecided(
        `${version} gave no answer to ${unansweredCount} of ${records.length} recorded requests: too little was seen`,
        evidence,
      )
    return {
      verdict: 'pass',
      because: `${version} takes ${records.length - unansweredCount} recorded requests and answers ${spec.schema === null ? `with the ${breaksOf.fields()} fields that were always there` : 'as the schema has it'}`,
      evidence,
    }
  }
}

const shownLength = 300

/** The newest ones, in their order: what live answered, and what may be asked a second time. */
async function recordsFor(
  { requests, copy }: CompatibilitySpec,
  service: string,
  captures: Pick<Captures, 'newest'>,
): Promise<Captured[]> {
  const found = await captures.newest(service, requests)
  return found
    .filter(({ request }) => mayBeCopied(copy, request))
    .filter(({ answer: { status } }) => status >= 200 && status <= 299)
    .toSorted((a, b) => a.at - b.at)
}
