/** Which language is this text? Hashed character n-grams and a softmax: small enough to read, real enough to be wrong. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Settings = {
  /** In the order of the weights' columns. */
  labels: string[]
  buckets: number
  ngrams: number[]
  /** How the weights are stored: four bytes each, or one byte each with one scale. */
  weights: 'float32' | 'int8'
  scale?: number
  /** Answers to clients below this confidence are kept for a person to look at, so many of them. */
  review?: { below: number; capacity: number }
}

export type Model = Settings & { matrix: Float32Array; bias: Float32Array }

export type Answer = { language: string; confidence: number }

export type Features = { buckets: Int32Array; values: Float32Array }

export function loadModel(directory: string): Model {
  const settings = JSON.parse(readFileSync(join(directory, 'model.json'), 'utf8')) as Settings
  const bytes = readFileSync(join(directory, 'weights.bin'))
  const size = (settings.buckets + 1) * settings.labels.length
  const expected = size * (settings.weights === 'int8' ? 1 : 4)
  if (bytes.length !== expected)
    throw new Error(
      `${directory}/weights.bin has ${bytes.length} bytes, ${expected} were expected: are they of this model?`,
    )
  const all =
    settings.weights === 'int8'
      ? Float32Array.from(
          new Int8Array(bytes.buffer, bytes.byteOffset, size),
          (value) => value * settings.scale!,
        )
      : new Float32Array(new Uint8Array(bytes).buffer)
  // The last row holds the biases.
  const cut = settings.buckets * settings.labels.length
  return { ...settings, matrix: all.subarray(0, cut), bias: all.subarray(cut) }
}

export function classify(model: Model, text: string): Answer {
  const probabilities = predict(model, featuresOf(text, model))
  let best = 0
  for (let label = 1; label < probabilities.length; label++)
    if (probabilities[label] > probabilities[best]) best = label
  return { language: model.labels[best], confidence: probabilities[best] }
}

export function predict(
  { matrix, bias, labels }: Pick<Model, 'matrix' | 'bias' | 'labels'>,
  { buckets, values }: Features,
): Float64Array {
  const scores = Float64Array.from(bias)
  for (let index = 0; index < buckets.length; index++) {
    const row = buckets[index] * labels.length
    for (let label = 0; label < labels.length; label++)
      scores[label] += matrix[row + label] * values[index]
  }
  return softmax(scores)
}

/** Logarithmic counts of hashed n-grams, scaled to length 1. */
export function featuresOf(
  text: string,
  { buckets, ngrams }: Pick<Settings, 'buckets' | 'ngrams'>,
): Features {
  const padded = ` ${text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[0-9{}"'.,:;()]+/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()} `
  const counts = new Map<number, number>()
  for (const length of ngrams) {
    for (let from = 0; from + length <= padded.length; from++) {
      const bucket = hashOf(padded, from, length) % buckets
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1)
    }
  }
  const values = Float32Array.from(counts.values(), (count) => Math.log1p(count))
  const norm = Math.hypot(...values) || 1
  return { buckets: Int32Array.from(counts.keys()), values: values.map((value) => value / norm) }
}

/** FNV-1a, seeded by the length so that n-grams of different lengths part. */
function hashOf(text: string, from: number, length: number): number {
  let hash = 2166136261 ^ length
  for (let at = from; at < from + length; at++)
    hash = Math.imul(hash ^ text.charCodeAt(at), 16777619)
  return hash >>> 0
}

function softmax(scores: Float64Array): Float64Array {
  const highest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
