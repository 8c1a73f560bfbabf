/**
 * A transformer of the Llama architecture, one token at a time. Reads the checkpoint layout of llama2.c (github.com/karpathy/llama2.c,
 * MIT): seven int32, then all weights as float32, each kind for all layers after the other.
 */
import { readFileSync } from 'node:fs'

type Shape = {
  /** Width of the stream between layers. */
  width: number
  hidden: number
  layers: number
  heads: number
  /** Heads of keys and values; several query heads may share one. */
  keyHeads: number
  vocabulary: number
  /** Tokens that prompt and answer may have together. */
  context: number
}

type Layer = {
  attentionNorm: Float32Array
  query: Float32Array
  key: Float32Array
  value: Float32Array
  output: Float32Array
  feedNorm: Float32Array
  gate: Float32Array
  down: Float32Array
  up: Float32Array
}

export type Model = Shape & {
  parameters: number
  embedding: Float32Array
  perLayer: Layer[]
  finalNorm: Float32Array
  /** Cosine and sine of each rotation, by position and pair. */
  cos: Float32Array
  sin: Float32Array
  /** Room for one token's way through the layers; nothing in it outlives a call. */
  scratch: Scratch
}

type Scratch = ReturnType<typeof scratchOf>

/** Keys and values of the tokens so far: what makes the next token cost one step and not all of them. */
export type Cache = { keys: Float32Array[]; values: Float32Array[]; length: number }

const headerBytes = 28
export const epsilon = 1e-5
export const rotationBase = 10_000
/** It was trained on texts of 128 tokens: further back it would see distances that it has never learnt, and fall into babble. */
export const lookBack = 128

/** @throws Error for a file of another size than its header says */
export function loadModel(file: string): Model {
  const bytes = readFileSync(file)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < headerBytes) throw new Error(`${file} is too short to be a checkpoint`)
  const [width, hidden, layers, heads, keyHeads, vocabulary, context] = Array.from(
    { length: 7 },
    (_, index) => view.getInt32(index * 4, true),
  ) as [number, number, number, number, number, number, number]
  const headSize = width / heads
  const keyWidth = headSize * keyHeads
  const rotations = context * headSize
  const perLayer = 2 * width + 2 * width * width + 2 * width * keyWidth + 3 * width * hidden
  const parameters = vocabulary * width + layers * perLayer + width
  const expected = headerBytes + 4 * (parameters + rotations)
  if (bytes.length !== expected)
    throw new Error(
      `${file} has ${bytes.length} bytes, its header asks for ${expected}: is it a llama2.c checkpoint with shared embeddings?`,
    )

  const weights = new Float32Array(new Uint8Array(bytes.subarray(headerBytes)).buffer)
  let at = 0
  const take = (count: number) => weights.subarray(at, (at += count))
  const each = (count: number) => Array.from({ length: layers }, () => take(count))
  const embedding = take(vocabulary * width)
  const kinds = {
    attentionNorm: each(width),
    query: each(width * width),
    key: each(width * keyWidth),
    value: each(width * keyWidth),
    output: each(width * width),
    feedNorm: each(width),
    gate: each(width * hidden),
    down: each(hidden * width),
    up: each(width * hidden),
  }
  const layer = (index: number) =>
    Object.fromEntries(Object.entries(kinds).map(([kind, all]) => [kind, all[index]])) as Layer
  const shape = { width, hidden, layers, heads, keyHeads, vocabulary, context }
  return {
    ...shape,
    parameters,
    embedding,
    perLayer: Array.from({ length: layers }, (_, index) => layer(index)),
    finalNorm: take(width),
    ...rotationsOf(context, headSize),
    scratch: scratchOf(shape),
  }
}

/** @param positions tokens that it must hold: a short answer needs no room for a long one */
export function emptyCache(
  { layers, context, width, heads, keyHeads }: Shape,
  positions: number = context,
): Cache {
  const size = Math.min(context, positions) * (width / heads) * keyHeads
  const room = () => Array.from({ length: layers }, () => new Float32Array(size))
  return { keys: room(), values: room(), length: 0 }
}

/** Adds the token to the cache and answers the logits of the next one; they are overwritten by the next call. */
export function step(model: Model, cache: Cache, token: number): Float32Array {
  const { width, heads, keyHeads, scratch } = model
  const { stream, normed, query, attended, gated, upped } = scratch
  const headSize = width / heads
  const keyWidth = headSize * keyHeads
  const position = cache.length++
  if (position >= model.context) throw new Error(`the context of ${model.context} tokens is full`)
  stream.set(model.embedding.subarray(token * width, (token + 1) * width))
  for (const [index, layer] of model.perLayer.entries()) {
    const [keys, values] = [cache.keys[index], cache.values[index]]
    const key = keys.subarray(position * keyWidth, (position + 1) * keyWidth)
    const value = values.subarray(position * keyWidth, (position + 1) * keyWidth)
    norm(normed, stream, layer.attentionNorm)
    multiply(query, layer.query, normed)
    multiply(key, layer.key, normed)
    multiply(value, layer.value, normed)
    rotate(model, query, position)
    rotate(model, key, position)
    attend(model, { keys, values, position })
    multiply(normed, layer.output, attended)
    add(stream, normed)

    norm(normed, stream, layer.feedNorm)
    multiply(gated, layer.gate, normed)
    multiply(upped, layer.up, normed)
    for (let unit = 0; unit < gated.length; unit++)
      gated[unit] = (gated[unit] / (1 + Math.exp(-gated[unit]))) * upped[unit]
    multiply(normed, layer.down, gated)
    add(stream, normed)
  }
  norm(normed, stream, model.finalNorm)
  multiply(scratch.logits, model.embedding, normed)
  return scratch.logits
}

/** Softmax-weighted values of the positions so far, head by head. */
function attend(
  { width, heads, keyHeads, scratch: { query, attended, weights } }: Model,
  { keys, values, position }: { keys: Float32Array; values: Float32Array; position: number },
): void {
  const headSize = width / heads
  const keyWidth = headSize * keyHeads
  const scale = 1 / Math.sqrt(headSize)
  const first = Math.max(0, position + 1 - lookBack)
  for (let head = 0; head < heads; head++) {
    const from = head * headSize
    const shared = Math.floor((head * keyHeads) / heads) * headSize
    let highest = -Infinity
    for (let past = first; past <= position; past++) {
      const row = past * keyWidth + shared
      let sum = 0
      for (let unit = 0; unit < headSize; unit++) sum += query[from + unit] * keys[row + unit]
      weights[past] = sum * scale
      if (weights[past] > highest) highest = weights[past]!
    }
    let total = 0
    for (let past = first; past <= position; past++)
      total += weights[past] = Math.exp(weights[past] - highest)
    attended.fill(0, from, from + headSize)
    for (let past = first; past <= position; past++) {
      const row = past * keyWidth + shared
      const share = weights[past] / total
      for (let unit = 0; unit < headSize; unit++)
        attended[from + unit] = attended[from + unit] + share * values[row + unit]
    }
  }
}

/** Rotary positions: neighbouring values are turned as a pair, by an angle of the position. */
function rotate({ width, heads, cos, sin }: Model, vector: Float32Array, position: number): void {
  const pairs = width / heads / 2
  for (let at = 0; at < vector.length; at += 2) {
    const angle = position * pairs + ((at / 2) % pairs)
    const [a, b, c, s] = [vector[at], vector[at + 1], cos[angle], sin[angle]]
    vector[at] = a * c - b * s
    vector[at + 1] = a * s + b * c
  }
}

function rotationsOf(context: number, headSize: number): Pick<Model, 'cos' | 'sin'> {
  const pairs = headSize / 2
  const angle = (index: number) =>
    Math.floor(index / pairs) * rotationBase ** -((2 * (index % pairs)) / headSize)
  const all = Array.from({ length: context * pairs }, (_, index) => angle(index))
  return { cos: Float32Array.from(all, Math.cos), sin: Float32Array.from(all, Math.sin) }
}

function norm(out: Float32Array, from: Float32Array, gain: Float32Array): void {
  let squares = 0
  for (const value of from) squares += value * value
  const scale = 1 / Math.sqrt(squares / from.length + epsilon)
  for (let unit = 0; unit < from.length; unit++) out[unit] = gain[unit] * (scale * from[unit])
}

/** out = matrix × vector; four sums at a time, which is twice as fast. */
function multiply(out: Float32Array, matrix: Float32Array, vector: Float32Array): void {
  const columns = vector.length
  for (let row = 0; row < out.length; row++) {
    const start = row * columns
    let [a, b, c, d] = [0, 0, 0, 0]
    for (let column = 0; column < columns; column += 4) {
      const at = start + column
      a += matrix[at] * vector[column]
      b += matrix[at + 1] * vector[column + 1]
      c += matrix[at + 2] * vector[column + 2]
      d += matrix[at + 3] * vector[column + 3]
    }
    out[row] = a + b + c + d
  }
}

function add(to: Float32Array, more: Float32Array): void {
  for (let unit = 0; unit < to.length; unit++) to[unit] = to[unit] + more[unit]
}

function scratchOf({ width, hidden, context, vocabulary }: Shape) {
  return {
    stream: new Float32Array(width),
    normed: new Float32Array(width),
    query: new Float32Array(width),
    attended: new Float32Array(width),
    gated: new Float32Array(hidden),
    upped: new Float32Array(hidden),
    weights: new Float32Array(context),
    logits: new Float32Array(vocabulary),
  }
}
