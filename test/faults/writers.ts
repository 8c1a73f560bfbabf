/** Clients of the language model of examples/moby-pico. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Running } from '../support/beryl.ts'
import { inject } from './langid.ts'

/** The service `tiny`, each version the same model with a fault of its own. @param rules lines of the service, indented by four */
export function writerManifest(faults: Readonly<Record<string, object>>, rules: string): string {
  const versions = Object.entries(faults).map(
    ([name, fault]) =>
      `      ${name}: { model: ${example}models/v1.bin, tokenizer: ${example}models/tokenizer.json, env: { FAULT: ${JSON.stringify(JSON.stringify(fault))} } }`,
  )
  return `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 1 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    protocol: openai
    environment:
      provider: process
      command: [${process.execPath}, --import, ${inject}, ${example}server.ts, --model, '{model}', --tokenizer, '{tokenizer}', --port, '{port}']
      ready: { path: /health, within: 20s }
      stop: { grace: 5s }
    versions:
${versions.join('\n')}
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /v1/chat/completions }, score: valid, atLeast: 0.5 }
${rules}`
}

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
