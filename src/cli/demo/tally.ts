/** Counts from the client's side. */
export type Answered = {
  /** Wall time, ms, with fractions. */
  sentAt: number
  answeredAt: number
  version: string
}

export type VersionCounts = { answers: number; right: number; wrong: number; failed: number }

export type Counts = {
  total: number
  byVersion: Record<string, VersionCounts>
  lost: number
  problems: readonly string[]
}

const problemsMax = 10

export class Tally {
  private total = 0
  private lost = 0
  private readonly problems: string[] = []
  private readonly byVersion: Record<string, VersionCounts> = {}
  readonly answers: Answered[] = []

  answered(answer: Answered, status: number, right: boolean): void {
    this.total++
    this.answers.push(answer)
    const counts = (this.byVersion[answer.version] ??= {
      answers: 0,
      right: 0,
      wrong: 0,
      failed: 0,
    })
    counts.answers++
    if (status >= 500) counts.failed++
    else if (right) counts.right++
    else counts.wrong++
  }

  /** No answer came, or one that no version gave. */
  lostOne(why: string): void {
    this.total++
    this.lost++
    if (this.problems.length < problemsMax) this.problems.push(why)
  }

  counts(): Counts {
    return {
      total: this.total,
      byVersion: structuredClone(this.byVersion),
      lost: this.lost,
      problems: [...this.problems],
    }
  }
}

/** Traffic moved to a version, at that wall time (ms). */
export type Move = { version: string; at: number }

/** The record's clock ticks in whole milliseconds, the client's does not. */
const tickMs = 1

/**
 * Promise 2, from outside: answers of another version that lie whole between the first answer of the one that traffic had
 * moved to and the last request that it answered before traffic moved on. Which of its times live is meant, the record
 * says; the comparison itself uses the client's clock alone.
 */
export function oldAfterNew(answers: readonly Answered[], moves: readonly Move[]): number {
  return moves.reduce((sum, { version, at }, index) => {
    const until = moves[index + 1]?.at ?? Infinity
    let [first, last] = [Infinity, -Infinity]
    for (const answer of answers) {
      if (answer.version !== version || answer.answeredAt < at - tickMs || answer.sentAt >= until)
        continue
      first = Math.min(first, answer.answeredAt)
      last = Math.max(last, answer.sentAt)
    }
    const between = answers.filter(
      (one) => one.version !== version && one.sentAt > first && one.answeredAt < last,
    )
    return sum + between.length
  }, 0)
}
