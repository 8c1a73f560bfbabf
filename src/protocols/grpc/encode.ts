/** Fields of a message → its bytes. */
import { boolIn, numberIn, ProtobufError, wholeIn, wire, wireOf } from './protobuf.ts'
import type { Field, Kind, Shape, Value } from './protobuf.ts'

/** What has its default is left out, as proto3 does. @throws ProtobufError naming the field @param place of the value, for errors */
export function encode(shape: Shape, value: unknown, place = ''): Uint8Array {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProtobufError(`${place || 'it'} must be an object`)
  const fields = Object.entries(shape)
  const names = fields.map(([, { name }]) => name)
  const other = Object.keys(value).find((name) => !names.includes(name))
  const at = (name: string) => (place === '' ? name : `${place}.${name}`)
  if (other !== undefined)
    throw new ProtobufError(`${at(other)} is no field of it; there are ${names.join(', ')}`)
  const pieces = fields.flatMap(([number, field]) => {
    const content = (value as Value)[field.name] ?? null
    return content === null ? [] : fieldOf(Number(number), field, content, at(field.name))
  })
  return Buffer.concat(pieces)
}

function fieldOf(
  number: number,
  { kind, many, map, choice }: Field,
  content: unknown,
  at: string,
): Uint8Array[] {
  if (map === true) {
    if (typeof content !== 'object' || content === null)
      throw new ProtobufError(`${at} must be an object`)
    const entry = {
      1: { name: 'key', kind: 'string' },
      2: { name: 'value', kind, choice: true },
    } as const
    return Object.entries(content).flatMap(([key, value]) =>
      prefixed(number, encode(entry, { key, value: value as unknown }, at)),
    )
  }
  if (many !== true)
    return isDefault(content) && choice !== true ? [] : written(number, kind, content, at)
  if (!Array.isArray(content)) throw new ProtobufError(`${at} must be a list`)
  if (typeof kind !== 'string' || kind === 'string' || kind === 'bytes')
    return content.flatMap((each: unknown, index) => written(number, kind, each, `${at}[${index}]`))
  if (content.length === 0) return []
  if (kind === 'float' || kind === 'double') return prefixed(number, floatsOf(kind, content, at))
  return prefixed(
    number,
    Buffer.concat(content.map((each: unknown, index) => bare(kind, each, `${at}[${index}]`))),
  )
}

function isDefault(content: unknown): boolean {
  return content === '' || content === 0 || content === false
}

function written(number: number, kind: Field['kind'], content: unknown, at: string): Uint8Array[] {
  if (typeof kind !== 'string') return prefixed(number, encode(kind, content, at))
  if (kind === 'string') {
    if (typeof content !== 'string') throw new ProtobufError(`${at} must be a text`)
    return prefixed(number, Buffer.from(content))
  }
  if (kind === 'bytes') {
    if (!(content instanceof Uint8Array)) throw new ProtobufError(`${at} must be bytes`)
    return prefixed(number, content)
  }
  return [varintOf(BigInt(number * 8 + wireOf(kind))), bare(kind, content, at)]
}

function prefixed(number: number, bytes: Uint8Array): Uint8Array[] {
  return [varintOf(BigInt(number * 8 + wire.length)), varintOf(BigInt(bytes.length)), bytes]
}

function bare(kind: Exclude<Kind, 'string' | 'bytes'>, content: unknown, at: string): Uint8Array {
  if (kind === 'float' || kind === 'double') return floatsOf(kind, [content], at)
  if (kind === 'bool') return varintOf(boolIn(content, at) ? 1n : 0n)
  // A negative one has all its 64 bits.
  return varintOf(BigInt.asUintN(64, wholeIn(content, limits[kind], at)))
}

/** Many, in one piece: an image has a hundred thousand. */
function floatsOf(kind: 'float' | 'double', all: readonly unknown[], at: string): Uint8Array {
  const size = kind === 'float' ? 4 : 8
  const bytes = Buffer.alloc(all.length * size)
  for (const [index, content] of all.entries()) {
    const number = numberIn(content, at)
    if (kind === 'float') bytes.writeFloatLE(number, index * size)
    else bytes.writeDoubleLE(number, index * size)
  }
  return bytes
}

const limits = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const

function varintOf(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80)
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
