/** Clients of the language model of examples/moby-pico. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Running } from '../support/beryl.ts'

export type Writers = { stop(): Promise<void> }

export const example = fileURLToPath(new URL('../../examples/moby-pico/', import.meta.url))
export const asked = readFileSync(`${example}data/prompts.jsonl`, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => (JSON.parse(line) as { request: object }).request)

/** Each reads its stream to the end, and asks again. @param tokens of an answer at most */
export function writers(
  beryl: Running,
  { count, tokens }: { count: number; tokens: number },
): Writers {
  let stopped = false
  const all = Array.from({ length: count }, async (_, first) => {
    for (let turn = first; !stopped; turn++) {
      const body = { ...asked[turn % asked.length]!, max_tokens: tokens, stream: true, seed: turn }
      await fetch(`${beryl.gateway}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
        .then((answer) => answer.text())
        .catch(() => '')
    }
  })
  return {
    async stop() {
      stopped = true
      await Promise.all(all)
    },
  }
}
