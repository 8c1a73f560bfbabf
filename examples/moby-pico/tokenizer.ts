/** Byte-level BPE: any text becomes tokens and comes back as it was. Tokens 0–2 are unused, 3–258 are the bytes, then the merges. */
import { readFileSync } from 'node:fs'

export type Vocabulary = {
  type: 'byte-bpe'
  /** Token of byte 0. */
  offset: number
  /** Cuts text into words; merges never cross them. */
  pattern: string
  /** The pair that becomes symbol 256, 257, …; the first one is merged first. */
  merges: [number, number][]
}

export type Tokenizer = {
  size: number
  encode(text: string | Uint8Array): number[]
  /** The bytes of one token: half a character, perhaps. */
  bytesOf(token: number): Uint8Array
  decode(tokens: readonly number[]): Uint8Array
}

const bytes = 256
/** Words repeat; a text that never repeats a word must not fill the memory. */
const cachedWordsMax = 20_000

export function loadTokenizer(file: string): Tokenizer {
  return tokenizerOf(JSON.parse(readFileSync(file, 'utf8')) as Vocabulary)
}

export function tokenizerOf({ offset, pattern, merges }: Vocabulary): Tokenizer {
  const words = new RegExp(pattern, 'g')
  const symbols = Array.from({ length: bytes }, (_, byte) => Uint8Array.of(byte))
  for (const [left, right] of merges) symbols.push(Buffer.concat([symbols[left], symbols[right]]))
  const ranks = new Map(merges.map(([left, right], rank) => [pairKey(left, right), rank]))
  const cache = new Map<string, number[]>()

  const tokensOf = (word: string): number[] => {
    const known = cache.get(word)
    if (known !== undefined) return known
    if (cache.size >= cachedWordsMax) cache.clear()
    const tokens = merged([...Buffer.from(word)], ranks).map((symbol) => symbol + offset)
    cache.set(word, tokens)
    return tokens
  }
  const bytesOf = (token: number) => symbols[token - offset] ?? new Uint8Array()

  return {
    size: offset + symbols.length,
    encode(given) {
      const text = typeof given === 'string' ? given : textOf(given)
      // Bytes that are no text have no words.
      if (text === null) return Array.from(given as Uint8Array, (byte) => byte + offset)
      return (text.match(words) ?? []).flatMap(tokensOf)
    },
    bytesOf,
    decode: (tokens) => Buffer.concat(tokens.map(bytesOf)),
  }
}

/** Always the pair that was learnt first, the leftmost of them first. */
function merged(symbols: number[], ranks: ReadonlyMap<number, number>): number[] {
  for (;;) {
    let best = Infinity
    let at = -1
    for (let index = 0; index + 1 < symbols.length; index++) {
      const rank = ranks.get(pairKey(symbols[index], symbols[index + 1])) ?? Infinity
      if (rank < best) [best, at] = [rank, index]
    }
    if (at < 0) return symbols
    symbols.splice(at, 2, bytes + best)
  }
}

function pairKey(left: number, right: number): number {
  return left * 65_536 + right
}

function textOf(given: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(given)
  } catch {
    return null
  }
}
