/** Tokens of what Beryl asks beside clients: as answers say them. What nobody says is counted by answers, and never guessed. */
import { tokensOf } from '../protocols/openai/tokens.ts'
import type { Verdict } from '../release/release.ts'
import { decoded } from './capture/decode.ts'

export type TokenCount = {
  /** Of requests. */
  asked: number
  /** Of answers; `estimated` of them are counted from streams that do not say. */
  written: number
  estimated: number
  /** Requests whose own tokens, or answers whose tokens, are not known: no whole answer, or one that does not say. */
  askedNotKnown: number
  writtenNotKnown: number
}

export type TokenCounter = {
  /** Sent: until its answer says more, nothing is known. */
  sent(): void
  /** @param body as text; what it is, it shows */
  answered(body: string, contentType?: string): void
  /** @param body as it came */
  came(headers: Readonly<Record<string, unknown>>, body: Buffer): void
  told(): TokenCount
}

export function openTokenCount(): TokenCounter {
  const sum: TokenCount = {
    asked: 0,
    written: 0,
    estimated: 0,
    askedNotKnown: 0,
    writtenNotKnown: 0,
  }
  return {
    sent(): void {
      sum.askedNotKnown++
      sum.writtenNotKnown++
    },
    answered,
    came(headers, body) {
      const text = (name: string) => (typeof headers[name] === 'string' ? headers[name] : '')
      const plain = decoded(body, text('content-encoding'))
      if (plain !== null) answered(plain.toString(), text('content-type'))
    },
    told: (): TokenCount => ({ ...sum }),
  }

  function answered(body: string, contentType = ''): void {
    const tokens = tokensOf(body, contentType)
    if (tokens === null) return
    const { asked, written, isEstimate } = tokens
    sum.writtenNotKnown--
    sum.written += written
    if (isEstimate) sum.estimated += written
    if (asked === null) return
    sum.askedNotKnown--
    sum.asked += asked
  }
}

/** Where something was asked: `tokens` of the versions (null: they have none), `judge` of the model that judged them. */
export function withTokens(
  verdict: Verdict,
  { tokens, judge = null }: { tokens: TokenCounter | null; judge?: TokenCounter | null },
): Verdict {
  const told = (counter: TokenCounter | null) => {
    const count = counter?.told() ?? null
    return count !== null && Object.values(count).some((one) => one > 0) ? count : null
  }
  const [own, judged] = [told(tokens), told(judge)]
  return {
    ...verdict,
    evidence: {
      ...verdict.evidence,
      ...(own === null ? {} : { tokens: own }),
      ...(judged === null ? {} : { judgeTokens: judged }),
    },
  }
}
