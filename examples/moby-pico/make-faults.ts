/**
 * Makes what v3 ships by mistake: a tokenizer of the same kind and size that was learnt from other text. It loads, its tokens
 * are words and parts of words, and they mean something else to the model. `node make-faults.ts` writes it beside the models.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Vocabulary } from './tokenizer.ts'

const here = import.meta.dirname

/** @param directory where `tokenizer-of-another-version.json` is written */
export function makeFaults(directory = join(here, 'models')): void {
  const right = JSON.parse(
    readFileSync(join(here, 'models', 'tokenizer.json'), 'utf8'),
  ) as Vocabulary
  const merges = learn(someText(), right)
  writeFileSync(
    join(directory, 'tokenizer-of-another-version.json'),
    JSON.stringify({ ...right, merges }),
  )
}

/** The held-out passages: text that the right tokenizer was not learnt from. */
function someText(): string {
  return readFileSync(join(here, 'data', 'held-out.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { request, expected } = JSON.parse(line) as {
        request: { prompt: string }
        expected: string
      }
      return request.prompt + expected
    })
    .join('\n\n')
}

/** Byte-pair encoding: again and again, the most frequent pair becomes a symbol of its own. */
function learn(text: string, { pattern, merges: { length } }: Vocabulary): [number, number][] {
  const words = [...Map.groupBy(text.match(new RegExp(pattern, 'g')) ?? [], (word) => word)].map(
    ([word, all]) => ({ symbols: [...Buffer.from(word)], times: all.length }),
  )
  const merges: [number, number][] = []
  while (merges.length < length) {
    const pair = mostFrequent(words)
    for (const word of words) word.symbols = joined(word.symbols, pair, 256 + merges.length)
    merges.push(pair)
  }
  return merges
}

function mostFrequent(words: readonly { symbols: number[]; times: number }[]): [number, number] {
  const counts = new Map<string, number>()
  for (const { symbols, times } of words) {
    for (let at = 0; at + 1 < symbols.length; at++) {
      const pair = `${symbols[at]} ${symbols[at + 1]}`
      counts.set(pair, (counts.get(pair) ?? 0) + times)
    }
  }
  const [best] = [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))
  return best.split(' ').map(Number) as [number, number]
}

function joined(symbols: number[], [left, right]: [number, number], pair: number): number[] {
  const found: number[] = []
  for (let at = 0; at < symbols.length; at++) {
    const both = symbols[at] === left && symbols[at + 1] === right
    found.push(both ? pair : symbols[at])
    if (both) at++
  }
  return found
}

if (import.meta.main) makeFaults()
