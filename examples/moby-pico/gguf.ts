/**
 * Writes a version as GGUF 3, the one file with weights and tokenizer that llama.cpp loads: `node gguf.ts VERSION FILE`.
 * Layout: github.com/ggml-org/ggml/blob/master/docs/gguf.md. Rows of queries and keys stay in their order: llama.cpp turns neighbouring values
 * of this architecture as a pair, as this model does.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { epsilon, loadModel, lookBack, rotationBase } from './model.ts'
import type { Model } from './model.ts'
import { tokenizerOf } from './tokenizer.ts'
import type { Vocabulary } from './tokenizer.ts'

/** `general.alignment` where it is not said. */
const alignment = 32
const types = { u32: 4, i32: 5, f32: 6, bool: 7, text: 8, list: 9 } as const
/** `tokenizer.ggml.token_type` */
const kinds = { normal: 1, control: 3 }
/** Never written by the model; llama.cpp wants to know a beginning and an end. */
const unused = ['<unk>', '<s>', '</s>']

type Entry = [key: string, value: Buffer]
/** @param shape the fastest first */
type Tensor = { name: string; shape: number[]; values: Float32Array }

/** @returns the whole file */
export function ggufOf(name: string, model: Model, vocabulary: Vocabulary): Buffer {
  const entries = [...shapeOf(name, model), ...tokensOf(vocabulary)]
  const tensors = tensorsOf(model)
  let offset = 0
  const infos = tensors.map(({ name: of, shape, values }) => {
    const dimensions = [u32(shape.length), ...shape.map(u64)]
    const info = Buffer.concat([text(of), ...dimensions, u32(0), u64(offset)])
    offset += padded(values.byteLength)
    return info
  })
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(entries.length),
    ...entries.flatMap(([key, value]) => [text(key), value]),
    ...infos,
  ])
  const data = tensors.map(({ values: { buffer, byteOffset, byteLength } }) =>
    Buffer.from(buffer, byteOffset, byteLength),
  )
  return Buffer.concat([head, ...data].map(aligned))
}

function shapeOf(name: string, model: Model): Entry[] {
  return [
    ['general.architecture', typed('text', text('llama'))],
    ['general.name', typed('text', text(name))],
    // Beyond this llama.cpp would look further back than the model ever learnt to.
    ['llama.context_length', typed('u32', u32(lookBack))],
    ['llama.embedding_length', typed('u32', u32(model.width))],
    ['llama.block_count', typed('u32', u32(model.layers))],
    ['llama.feed_forward_length', typed('u32', u32(model.hidden))],
    ['llama.attention.head_count', typed('u32', u32(model.heads))],
    ['llama.attention.head_count_kv', typed('u32', u32(model.keyHeads))],
    ['llama.attention.layer_norm_rms_epsilon', typed('f32', f32(epsilon))],
    ['llama.rope.dimension_count', typed('u32', u32(model.width / model.heads))],
    ['llama.rope.freq_base', typed('f32', f32(rotationBase))],
  ]
}

/** `gpt-2` is the nearest of its ways to cut text into words: a word with an apostrophe (see'st) may become other tokens than ours. */
function tokensOf(vocabulary: Vocabulary): Entry[] {
  const tokenizer = tokenizerOf(vocabulary)
  const { offset, merges } = vocabulary
  const normal = Array.from({ length: tokenizer.size - offset }, (_, symbol) =>
    printable(tokenizer.bytesOf(symbol + offset)),
  )
  const tokens = [...unused, ...normal]
  const kindOf = (_: string, token: number) =>
    u32(token < unused.length ? kinds.control : kinds.normal)
  const pair = ([left, right]: [number, number]) => text(`${normal[left]} ${normal[right]}`)
  return [
    ['tokenizer.ggml.model', typed('text', text('gpt2'))],
    ['tokenizer.ggml.pre', typed('text', text('gpt-2'))],
    ['tokenizer.ggml.tokens', list('text', tokens.map(text))],
    ['tokenizer.ggml.token_type', list('i32', tokens.map(kindOf))],
    ['tokenizer.ggml.merges', list('text', merges.map(pair))],
    ['tokenizer.ggml.bos_token_id', typed('u32', u32(1))],
    ['tokenizer.ggml.eos_token_id', typed('u32', u32(2))],
    ['tokenizer.ggml.add_bos_token', typed('bool', Buffer.from([0]))],
  ]
}

/** Without `output.weight`: it is the embedding. */
function tensorsOf({ width, hidden, vocabulary, ...model }: Model): Tensor[] {
  const keyWidth = (width / model.heads) * model.keyHeads
  const layers = model.perLayer.flatMap((layer, index): Tensor[] => {
    const one = (name: string, shape: number[], values: Float32Array) => ({
      name: `blk.${index}.${name}.weight`,
      shape,
      values,
    })
    return [
      one('attn_norm', [width], layer.attentionNorm),
      one('attn_q', [width, width], layer.query),
      one('attn_k', [width, keyWidth], layer.key),
      one('attn_v', [width, keyWidth], layer.value),
      one('attn_output', [width, width], layer.output),
      one('ffn_norm', [width], layer.feedNorm),
      one('ffn_gate', [width, hidden], layer.gate),
      one('ffn_down', [hidden, width], layer.down),
      one('ffn_up', [width, hidden], layer.up),
    ]
  })
  return [
    { name: 'token_embd.weight', shape: [width, vocabulary], values: model.embedding },
    ...layers,
    { name: 'output_norm.weight', shape: [width], values: model.finalNorm },
  ]
}

/** GPT-2's alphabet: each byte a character that can be seen. */
const alphabet = (() => {
  const isSeen = (byte: number) =>
    (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173)
  let hidden = 256
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isSeen(byte) ? byte : hidden++),
  )
})()

function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => alphabet[byte]).join('')
}

function typed(type: keyof typeof types, value: Buffer): Buffer {
  return Buffer.concat([u32(types[type]), value])
}

function list(type: keyof typeof types, values: readonly Buffer[]): Buffer {
  return typed('list', Buffer.concat([u32(types[type]), u64(values.length), ...values]))
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([u64(bytes.length), bytes])
}

function u32(value: number): Buffer {
  return Buffer.from(Uint32Array.of(value).buffer)
}

function u64(value: number): Buffer {
  return Buffer.from(BigUint64Array.of(BigInt(value)).buffer)
}

function f32(value: number): Buffer {
  return Buffer.from(Float32Array.of(value).buffer)
}

function padded(length: number): number {
  return Math.ceil(length / alignment) * alignment
}

function aligned(part: Buffer): Buffer {
  return Buffer.concat([part], padded(part.length))
}

/** @param version v1 or v2 */
export function writeGguf(version: string, file: string): void {
  const models = join(import.meta.dirname, 'models')
  const vocabulary = JSON.parse(readFileSync(join(models, 'tokenizer.json'), 'utf8')) as Vocabulary
  const model = loadModel(join(models, `${version}.bin`))
  writeFileSync(file, ggufOf(`moby-pico-${version}`, model, vocabulary))
}

if (import.meta.main) {
  const [version, file] = process.argv.slice(2)
  if (version === undefined || file === undefined)
    throw new Error('usage: node gguf.ts v1|v2 FILE.gguf')
  writeGguf(version, file)
}
