/**
 * Trains the versions of the example into ./models, in a few seconds, the same way every time:
 *   v1  from the Universal Declaration of Human Rights only
 *   v2  with messages of the domain, and longer n-grams: truly better
 *   v3  v2 with two labels in the wrong order: healthy, fast, confident, and wrong about French and Spanish
 *   v4  v2 with a list of clients' uncertain answers that is never emptied: right until the list is full, then it fails
 *   v5  v2 with weights of one byte: a quarter of the size, as good
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { featuresOf, predict } from './model.ts'
import type { Settings } from './model.ts'

type Sentence = { text: string; language: string }
type Trained = { settings: Settings; weights: Float32Array }

const here = dirname(fileURLToPath(import.meta.url))
const labels = ['cs', 'de', 'en', 'es', 'fr', 'it', 'ja', 'ko', 'pl', 'pt', 'ru', 'tr', 'zh']

/** @param directory where v1, v2, … are written; the example's own ./models by default */
export function trainAll(directory = join(here, 'models')): void {
  const declarations = read('udhr.jsonl.gz')
  const messages = read('messages.jsonl.gz')
  const v1 = train(declarations, { buckets: 2 ** 11, ngrams: [1, 2], epochs: 6 })
  const v2 = train([...declarations, ...messages], {
    buckets: 2 ** 13,
    ngrams: [1, 2, 3, 4],
    epochs: 3,
  })
  save(directory, 'v1', v1)
  save(directory, 'v2', v2)
  save(directory, 'v3', {
    ...v2,
    settings: {
      ...v2.settings,
      labels: labels.map((label) => ({ es: 'fr', fr: 'es' })[label] ?? label),
    },
  })
  save(directory, 'v4', {
    ...v2,
    settings: { ...v2.settings, review: { below: 0.9, capacity: 80 } },
  })
  save(directory, 'v5', { ...v2, settings: { ...v2.settings, weights: 'int8' } })
}

/** Stochastic gradient descent on the logistic loss, its step falling to nothing. */
function train(
  sentences: readonly Sentence[],
  { buckets, ngrams, epochs }: { buckets: number; ngrams: number[]; epochs: number },
): Trained {
  const settings: Settings = { labels, buckets, ngrams, weights: 'float32' }
  const weights = new Float32Array((buckets + 1) * labels.length)
  const matrix = weights.subarray(0, buckets * labels.length)
  const bias = weights.subarray(buckets * labels.length)
  const examples = sentences.map(({ text, language }) => ({
    features: featuresOf(text, settings),
    label: labels.indexOf(language),
  }))
  const random = generator(3)
  const steps = examples.length * epochs
  let step = 0
  for (let epoch = 0; epoch < epochs; epoch++) {
    shuffle(examples, random)
    for (const { features, label } of examples) {
      const rate = 1 - step++ / steps
      const errors = predict({ matrix, bias, labels }, features)
      errors[label] -= 1
      for (let at = 0; at < labels.length; at++) {
        const slope = rate * errors[at]
        bias[at] -= slope * 0.1
        for (let index = 0; index < features.buckets.length; index++)
          matrix[features.buckets[index] * labels.length + at] -= slope * features.values[index]
      }
    }
  }
  return { settings, weights }
}

function save(directory: string, version: string, { settings, weights }: Trained): void {
  const place = join(directory, version)
  mkdirSync(place, { recursive: true })
  const scale = Math.max(...weights.map(Math.abs)) / 127
  const bytes =
    settings.weights === 'int8'
      ? new Uint8Array(Int8Array.from(weights, (value) => Math.round(value / scale)).buffer)
      : new Uint8Array(weights.buffer)
  writeFileSync(join(place, 'weights.bin'), bytes)
  writeFileSync(
    join(place, 'model.json'),
    `${JSON.stringify(settings.weights === 'int8' ? { ...settings, scale } : settings, null, 2)}\n`,
  )
}

function read(name: string): Sentence[] {
  const text = gunzipSync(readFileSync(join(here, 'data', name))).toString('utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Sentence)
}

function generator(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

function shuffle<Item>(items: Item[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[items[last], items[other]] = [items[other], items[last]]
  }
}

if (import.meta.main) {
  const begun = performance.now()
  trainAll(process.argv[2])
  console.log(`trained v1 to v5 in ${((performance.now() - begun) / 1000).toFixed(1)} s`)
}
