/**
 * The golden set gate: the same labelled inputs to the candidate and, where asked, to the live version; then the
 * questions of judge.ts. The file is read twice: first all of it is checked, so that a broken line costs nobody a
 * request; then it is sent line by line, and must still be the same file at the end.
 */
import type { Verdict } from '../../release/release.ts'
import { askerOf } from '../ask.ts'
import { undecided } from '../examination.ts'
import type { Examination } from '../examination.ts'
import type { Target } from '../gate.ts'
import { eachOf } from '../pool.ts'
import { readingOf } from '../reading.ts'
import type { Reading } from '../reading.ts'
import { scorerOf } from '../scores/scores.ts'
import type { Scorer } from '../scores/scores.ts'
import { openTokenCount, withTokens } from '../token-count.ts'
import { answererOf } from './answerer.ts'
import { evidenceOf } from './evidence.ts'
import type { GoldenSetSpec } from './evidence.ts'
import { judge } from './judge.ts'
import { goldenLines, GoldenSetError } from './lines.ts'
import type { GoldenLine } from './lines.ts'
import { openTally } from './tally.ts'

/** @throws Error where the gate could not be taken: nothing is decided then */
export async function goldenSet(
  spec: GoldenSetSpec,
  candidate: Target,
  live: Target | null,
  examination: Examination,
): Promise<Verdict> {
  const compared = isCompared(spec) ? live : null
  if (compared?.addresses.length === 0)
    return undecided(
      `it must be no worse than live, and the live version ${compared.version} has no ready replica to compare with`,
    )
  const reading = readingOf(spec)
  const scorer = await scorerOf(spec.score)
  try {
    const total = await checked(spec, { scorer, reading, signal: examination.signal })
    return await taken(spec, total, { candidate, live: compared, scorer, reading, examination })
  } finally {
    await scorer.close()
  }
}

/** @returns how many lines there are @throws GoldenSetError naming the file, and the line that cannot be used */
async function checked(
  { file, digest, score }: GoldenSetSpec,
  { scorer, reading, signal }: { scorer: Scorer; reading: Reading; signal: AbortSignal },
): Promise<number> {
  const lines = sameFile(file, digest, signal)
  let total = 0
  for await (const line of lines) {
    total++
    const notAsked = reading.wrongWith(line)
    if (notAsked !== null) throw new GoldenSetError(`${file}:${line.line}: ${notAsked}`)
    const wrong = scorer.wrongWith(line.expected)
    if (wrong !== null)
      throw new GoldenSetError(`${file}:${line.line}: score ${score.kind} ${wrong}`)
  }
  return total
}

type Taking = {
  candidate: Target
  live: Target | null
  scorer: Scorer
  reading: Reading
  examination: Examination
}

async function taken(
  spec: GoldenSetSpec,
  total: number,
  { candidate, live, scorer, reading, examination: { signal, progress } }: Taking,
): Promise<Verdict> {
  const tokens = spec.protocol === 'openai' ? openTokenCount() : null
  const counted = (verdict: Verdict) =>
    withTokens(verdict, { tokens, judge: scorer.tokens ?? null })
  const asker = askerOf({
    tokens,
    timeoutS: spec.request.timeoutS,
    connections: spec.concurrency,
    signal,
    targets: live === null ? [candidate] : [candidate, live],
  })
  const answered = answererOf({ asker, scorer, spec, reading })
  const tally = openTally(spec.score, spec.slice)
  const lines = sameFile(spec.file, spec.digest, signal)
  try {
    await eachOf(lines, { concurrency: spec.concurrency, signal }, async (line, index) => {
      const [own, other] = await Promise.all([
        answered(candidate, line, index),
        live === null ? null : answered(live, line, index),
      ])
      signal.throwIfAborted()
      tally.add(index, { line, candidate: own, live: other })
      progress(`${tally.count} of ${total} inputs`)
    })
  } catch (error) {
    if (!signal.aborted) throw error
    const { failed } = tally
    const because = `${(signal.reason as Error).message}: ${tally.count} of ${total} inputs were answered${failed === 0 ? '' : `, ${failed} of them failed (${tally.failures()[0]!.failure})`}`
    return counted(undecided(because, evidenceOf(spec, tally)))
  } finally {
    asker.close()
  }
  return counted(judge(spec, tally, { candidate: candidate.version, live: live?.version ?? null }))
}

function isCompared({ noWorseBy, perSlice }: GoldenSetSpec): boolean {
  return noWorseBy !== null || (perSlice !== null && perSlice.noWorseBy !== null)
}

async function* sameFile(
  file: string,
  digest: string,
  signal: AbortSignal,
): AsyncGenerator<GoldenLine> {
  const found = yield* goldenLines(file, signal)
  if (found !== digest)
    throw new GoldenSetError(
      `${file} was changed after the release began (it is ${found.slice(0, 19)}…, it was ${digest.slice(0, 19)}…): retry the release`,
    )
}
