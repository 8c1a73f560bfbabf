/** Tokens of what pairs ask beside clients: as answers say them. What nobody says is counted by answers, and never guessed. */
import { tokensOf } from '../../protocols/openai/tokens.ts'
import { decoded } from '../capture/decode.ts'

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

export function openTokenCount() {
  const sum: TokenCount = {
    asked: 0,
    written: 0,
    estimated: 0,
    askedNotKnown: 0,
    writtenNotKnown: 0,
  }
  return {
    /** Sent: until its answer says more, nothing is known. */
    sent(): void {
      sum.askedNotKnown++
      sum.writtenNotKnown++
    },
    /** @param body as it came */
    answered(headers: Readonly<Record<string, unknown>>, body: Buffer): void {
      const text = (name: string) => (typeof headers[name] === 'string' ? headers[name] : '')
      const plain = decoded(body, text('content-encoding'))
      const tokens = plain === null ? null : tokensOf(plain.toString(), text('content-type'))
      if (tokens === null) return
      const { asked, written, isEstimate } = tokens
      sum.writtenNotKnown--
      sum.written += written
      if (isEstimate) sum.estimated += written
      if (asked === null) return
      sum.askedNotKnown--
      sum.asked += asked
    },
    told: (): TokenCount => ({ ...sum }),
  }
}
