/** The file is read back as its specification has it. That llama.cpp writes the same with it: `npm run test:peers`. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { writeGguf } from './gguf.ts'
import { loadModel } from './model.ts'

type Value = number | string | boolean | Value[]
type Tensor = { name: string; shape: number[]; type: number; offset: number }

test('weights, shape and tokenizer stand in it, whole and where its header says', () => {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-gguf-'))
  try {
    const file = join(directory, 'v1.gguf')
    writeGguf('v1', file)
    const bytes = readFileSync(file)
    const { version, entries, tensors, dataAt } = headOf(bytes)
    const model = loadModel(join(import.meta.dirname, 'models', 'v1.bin'))
    assert.equal(version, 3)
    assert.equal(entries.get('general.architecture'), 'llama')
    assert.equal(entries.get('llama.block_count'), model.layers)
    assert.equal(entries.get('llama.context_length'), 128)
    assert.equal(entries.get('tokenizer.ggml.add_bos_token'), false)
    const tokens = entries.get('tokenizer.ggml.tokens') as string[]
    assert.equal(new Set(tokens).size, model.vocabulary, 'no two are the same')
    const [first] = entries.get('tokenizer.ggml.merges') as string[]
    assert.equal(first, 'Ġ t')
    assert.ok(tokens.includes('Ġt'))

    assert.equal(tensors.length, 2 + 9 * model.layers)
    assert.ok(tensors.every(({ type, offset }) => type === 0 && offset % 32 === 0))
    const valuesOf = (name: string) => {
      const { shape, offset } = tensors.find((one) => one.name === name)!
      const count = shape.reduce((product, one) => product * one, 1)
      const at = dataAt + offset
      return new Float32Array(new Uint8Array(bytes.subarray(at, at + 4 * count)).buffer)
    }
    assert.deepEqual(valuesOf('token_embd.weight'), model.embedding.slice())
    assert.deepEqual(valuesOf('blk.1.ffn_down.weight'), model.perLayer[1].down.slice())
    assert.deepEqual(valuesOf('output_norm.weight'), model.finalNorm.slice())
    assert.deepEqual(
      tensors.find(({ name }) => name === 'blk.0.ffn_down.weight')!.shape,
      [model.hidden, model.width],
      'the fastest dimension first',
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
})

function headOf(bytes: Buffer) {
  let at = 4
  assert.equal(bytes.toString('latin1', 0, 4), 'GGUF')
  const u32 = () => bytes.readUInt32LE((at += 4) - 4)
  const u64 = () => Number(bytes.readBigUInt64LE((at += 8) - 8))
  const text = () => {
    const length = u64()
    return bytes.toString('utf8', at, (at += length))
  }
  const readers: Record<number, () => Value> = {
    4: u32,
    5: u32,
    6: () => bytes.readFloatLE((at += 4) - 4),
    7: () => bytes[at++] === 1,
    8: text,
    9: () => {
      const read = readers[u32()]
      return Array.from({ length: u64() }, () => read())
    },
  }
  const version = u32()
  const [tensorCount, entryCount] = [u64(), u64()]
  const entries = new Map<string, Value>()
  for (let index = 0; index < entryCount; index++) entries.set(text(), readers[u32()]())
  const tensors = Array.from({ length: tensorCount }, (): Tensor => {
    const name = text()
    const shape = Array.from({ length: u32() }, u64)
    return { name, shape, type: u32(), offset: u64() }
  })
  return { version, entries, tensors, dataAt: Math.ceil(at / 32) * 32 }
}
