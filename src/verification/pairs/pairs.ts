/**
 * The same request to the candidate and, where its answer is not known, to live; for a share of them to live once more, to know
 * its noise. Which ones is drawn by lot before anything is answered, and nothing else has a say in it: a choice by the order in
 * which they come, or by where there is room, could miss the very requests that are answered otherwise.
 */
import { setImmediate as breathe } from 'node:timers/promises'
import type { ServedName } from '../../protocols/renamed.ts'
import type { Verdict } from '../../release/release.ts'
import type { Answer } from '../compare/comparison.ts'
import { isFailure, openTally } from '../compare/tally.ts'
import type { Compared } from '../compare/tally.ts'
import type { PairRules, Target } from '../gate.ts'
import { lineOf } from '../send.ts'
import type { Line } from '../send.ts'
import { openTokenCount, withTokens } from '../token-count.ts'
import { NoAnswer } from '../wire/exchange.ts'
import type { Copy } from './copy.ts'
import { sentFrom } from './copy.ts'
import { countErrors } from './error-pairs.ts'
import type { ErrorPairs } from './error-pairs.ts'
import { keeperOf, noAnswer } from './kept.ts'
import { likenessOf } from './likeness.ts'

/** Live answers clients: at most so many are asked of it once more at a time; the others wait for their turn. */
const liveAgainMax = 2
/** A verdict is looked at after so many. */
const lookEvery = 20

export type Pairs = ReturnType<typeof openPairs>

/** @throws JsonPathError, SyntaxError */
export function openPairs(
  rules: PairRules,
  {
    purpose,
    candidate,
    live,
    signal,
  }: { purpose: string; candidate: Target; live: Target; signal: AbortSignal },
) {
  const keeper = keeperOf(rules.redact)
  const { how, noWorseBy, slice, risk } = rules
  const tally = openTally({ how, noWorseBy, slice, risk })
  // Live's own line: what the candidate holds up must not hold up that.
  const { concurrency: connections } = rules
  const line = lineOf({ connections, signal, targets: [candidate] })
  const lineToLive = lineOf({ connections, signal, targets: [live] })
  const lineAgain = lineOf({ connections: liveAgainMax, signal, targets: [live] })
  const versions = { candidate: candidate.version, live: live.version }
  const inTurn = turnstile(liveAgainMax)
  const over = new AbortController()
  const tokens = how.protocol === 'openai' ? openTokenCount() : null
  const judge = openTokenCount()
  let errors: ErrorPairs = { total: 0, newOnly: 0 }
  let asked = 0
  let lookAt = lookEvery
  let closed = false

  return {
    keeper,
    /** @param known what live answered; null: it is asked now */
    async compare(copy: Copy, known: Answer | null): Promise<void> {
      const index = asked++
      if (known !== null && isFailure(known))
        return tally.add({ ...shown(copy), live: known, candidate: known, again: null })
      const twice = Math.random() < rules.liveAgain
      const [own, first, second] = await Promise.all([
        ask(line, copy, candidate, index),
        known ?? ask(lineToLive, copy, live, index),
        // Another replica, where there is one: what replicas differ in is noise too.
        twice ? inTurn(() => ask(lineAgain, copy, live, index + 1)) : null,
      ])
      if (closed) return
      errors = countErrors(errors, { live: first, candidate: own })
      // Live that could not answer once more contradicts nobody.
      const noise = second === null || isFailure(second) ? null : second
      await judged({ ...shown(copy), live: first, candidate: own, again: noise })
      await breathe()
    },
    get compared() {
      return tally.compared
    },
    get liveFailed() {
      return tally.liveFailed
    },
    /** Not after each pair. */
    isTimeToLook(): boolean {
      if (tally.compared < lookAt) return false
      lookAt = tally.compared + lookEvery
      return true
    },
    verdict: (): Verdict => withTokens(withNames(withErrors()), { tokens, judge }),
    /** Cuts what is under way; nothing further is counted. */
    close(): void {
      closed = true
      over.abort(new Error('the gate is over'))
      line.close()
      lineToLive.close()
      lineAgain.close()
    },
  }

  /** The guard reads them when the watch begins. */
  function withErrors(): Verdict {
    const verdict = tally.verdict(versions)
    return { ...verdict, evidence: { ...verdict.evidence, errors } }
  }

  /** The candidate was asked by another name than clients use: who reads the verdict must know. */
  function withNames(verdict: Verdict): Verdict {
    const { renames } = candidate
    if (line.renamed === 0 || renames === undefined) return verdict
    const { from, to } = renames
    return {
      ...verdict,
      because: `${verdict.because}; ${line.renamed} requests name ${nameOf(from)} and were asked of it as ${nameOf(to)}: clients must do so too after a switch`,
      evidence: { ...verdict.evidence, renamed: { requests: line.renamed, from, to } },
    }
  }

  async function judged(compared: Compared): Promise<void> {
    const { likeness = null } = rules
    if (likeness === null) return tally.add(compared)
    const texts = tally.textsOf(compared)
    try {
      const degrees = await likenessOf(likeness, texts, {
        over: AbortSignal.any([signal, over.signal]),
        tokens: judge,
      })
      const of = (a: string, b: string) =>
        degrees[texts.findIndex(([one, other]) => one === a && other === b)] ?? 0
      if (!closed) tally.add(compared, of)
    } catch (error) {
      signal.throwIfAborted()
      // Its error may quote an answer.
      if (!closed) tally.undecided(keeper.text((error as Error).message))
    }
  }

  /** Whatever a server does is an answer, or none. @throws the reason of `signal` once that is aborted */
  async function ask(way: Line, copy: Copy, to: Target, index: number): Promise<Answer> {
    const address = to.addresses[index % to.addresses.length]!
    tokens?.sent()
    try {
      const { status, headers, chunks } = await way.send(
        sentFrom(copy, purpose),
        address,
        rules.timeoutS,
      )
      const body = Buffer.concat(chunks.map(({ bytes }) => bytes))
      tokens?.came(headers, body)
      return keeper.answer(status, headers, body)
    } catch (error) {
      signal.throwIfAborted()
      // A request that cannot be sent as it was recorded: nobody's failure, and no answer of anybody.
      if (error instanceof NoAnswer || error instanceof TypeError) return noAnswer
      throw error
    }
  }

  function shown(copy: Copy): { id: string; request: unknown } {
    return { id: copy.id, request: keeper.request(copy) }
  }
}

function nameOf({ model, version }: ServedName): string {
  return [model, version].filter((part) => part !== null).join(' version ')
}

/** So many at a time; the time that an answer may take begins with its turn. */
function turnstile(most: number) {
  let free = most
  const waiting: (() => void)[] = []
  return async <Result>(act: () => Promise<Result>): Promise<Result> => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await act()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
