/** The golden set gate: the same labelled inputs to the candidate and, where asked, to the live version; then three questions. */
import type { Verdict } from '../../release/release.ts'
import { askerOf } from '../ask.ts'
import type { Asker } from '../ask.ts'
import type { Target } from '../gate.ts'
import { jsonPath } from '../json-path.ts'
import type { JsonPath } from '../json-path.ts'
import { eachOf } from '../pool.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import { scorerOf } from '../scores/scores.ts'
import type { Scorer } from '../scores/scores.ts'
import { judge } from './judge.ts'
import type { GoldenSetSpec, Result, Scored } from './judge.ts'
import { readGoldenSet } from './lines.ts'
import type { GoldenLine } from './lines.ts'

export async function goldenSet(
  spec: GoldenSetSpec,
  candidate: Target,
  live: Target | null,
  examination: Examination,
): Promise<Verdict> {
  const { lines, digest } = await readGoldenSet(spec.file)
  if (digest !== spec.digest)
    return undecided(
      `${spec.file} was changed after the release began (${digest.slice(0, 19)}… instead of ${spec.digest.slice(0, 19)}…)`,
    )
  const compared =
    spec.noWorseBy !== null && live !== null && live.addresses.length > 0 ? live : null
  if (spec.noWorseBy !== null && live !== null && compared === null)
    return undecided('the live version has no ready replica to compare with')
  const answer = jsonPath(spec.answer ?? '$')
  const scorer = await scorerOf(spec.score)
  const asker = askerOf(spec.request, 'golden-set', spec.concurrency * 2, examination.signal)
  const results: Result[] = []
  try {
    await eachOf(lines, spec.concurrency, examination.signal, async (line, index) => {
      const [own, other] = await Promise.all([
        askOne(asker, scorer, answer, candidate, line, index, examination.signal),
        compared === null
          ? null
          : askOne(asker, scorer, answer, compared, line, index, examination.signal),
      ])
      results[index] = { line, candidate: own, live: other }
      if (index % 20 === 0) examination.progress(`${index} of ${lines.length} inputs`)
    })
  } finally {
    asker.close()
    await scorer.close()
  }
  return judge(spec, results, candidate, compared)
}

/** A model that fails has answered wrongly. A scorer that fails has decided nothing, and throws. */
async function askOne(
  asker: Asker,
  scorer: Scorer,
  answer: JsonPath,
  { addresses }: Target,
  line: GoldenLine,
  index: number,
  signal: AbortSignal,
): Promise<Scored> {
  let value: unknown
  try {
    const { status, body } = await asker.ask(addresses[index % addresses.length]!, line.request)
    if (status < 200 || status > 299)
      return { score: 0, answer: body.slice(0, 200), failure: `status ${status}` }
    value = answer(parse(body))
  } catch (error) {
    signal.throwIfAborted()
    return { score: 0, answer: null, failure: (error as Error).message }
  }
  return {
    score: await scorer.score(value, line.expected, line.line),
    answer: value,
    failure: null,
  }
}

/** A body that is not JSON is text. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
