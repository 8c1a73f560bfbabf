/** Bytes of a message → its fields. */
import { exact, inJson, ProtobufError, wire, wireOf } from './protobuf.ts'
import type { Field, Shape, Value, Whole } from './protobuf.ts'

const depthMax = 16

/** Scalars that are not there have their default, as proto3 says; a `choice` that is not there is left out. @throws ProtobufError */
export function decode(shape: Shape, bytes: Uint8Array, depth = 0): Value {
  if (depth > depthMax) throw new ProtobufError('it is nested too deeply')
  const read = new Reader(bytes)
  const value = emptyOf(shape)
  while (!read.isAtEnd) {
    const tag = read.varint()
    const field = shape[Number(tag >> 3n)]
    if (field === undefined)
      throw new ProtobufError(`it has a field ${tag >> 3n} that is not known`)
    take(value, field, read, Number(tag & 7n), depth)
  }
  return value
}

function emptyOf(shape: Shape): Value {
  const value: Value = Object.create(null) as Value
  for (const { name, kind, many, map, choice } of Object.values(shape))
    if (many === true) value[name] = []
    else if (map !== true && choice !== true && typeof kind === 'string')
      value[name] =
        kind === 'string' ? '' : kind === 'bytes' ? new Uint8Array() : kind === 'bool' ? false : 0
  return value
}

function take(into: Value, field: Field, read: Reader, type: number, depth: number): void {
  const { name, kind, many, map } = field
  if (map === true) {
    const { key, value } = decode(
      { 1: { name: 'key', kind: 'string' }, 2: { name: 'value', kind } },
      read.piece(type),
      depth + 1,
    )
    const all = (into[name] ??= Object.create(null)) as Value
    all[key as string] = value
    return
  }
  // Two of one would have to be merged: nobody writes that.
  if (many !== true && typeof kind !== 'string' && into[name] !== undefined)
    throw new ProtobufError(`${name} stands there twice`)
  if (many !== true) return void (into[name] = one(kind, read, type, depth))
  const list = into[name] as unknown[]
  // Numbers come packed, one after the other, or each by itself.
  if (type !== wire.length || typeof kind !== 'string' || kind === 'string' || kind === 'bytes')
    return void list.push(one(kind, read, type, depth))
  const packed = new Reader(read.piece(type))
  while (!packed.isAtEnd) list.push(one(kind, packed, wireOf(kind), depth))
}

function one(kind: Field['kind'], read: Reader, type: number, depth: number): unknown {
  if (typeof kind !== 'string') return decode(kind, read.piece(type), depth + 1)
  if (kind === 'bytes') return read.piece(type)
  if (kind === 'string') return textOf(read.piece(type))
  if (type !== wireOf(kind))
    throw new ProtobufError(`a field of ${kind} is written as another type`)
  if (kind === 'float') return inJson(read.view(4).getFloat32(0, true))
  if (kind === 'double') return inJson(read.view(8).getFloat64(0, true))
  return wholeOf(kind, read.varint())
}

function wholeOf(kind: Whole, bits: bigint): unknown {
  switch (kind) {
    case 'bool':
      return bits !== 0n
    case 'int32':
      return Number(BigInt.asIntN(32, bits))
    case 'uint32':
      return Number(BigInt.asUintN(32, bits))
    case 'int64':
      return exact(BigInt.asIntN(64, bits))
    case 'uint64':
      return exact(bits)
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ProtobufError('a text in it is no UTF-8')
  }
}

class Reader {
  private readonly bytes: Uint8Array
  private at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length
  }

  varint(): bigint {
    // Nearly all are small.
    let small = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      small |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt(small)
    }
    let large = BigInt(small)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      large |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, large)
    }
    throw new ProtobufError('a number in it has no end')
  }

  piece(type: number): Uint8Array {
    if (type !== wire.length) throw new ProtobufError('a field is written as another type')
    const length = Number(this.varint())
    return this.bytes.subarray(this.at, this.skip(length))
  }

  view(length: number): DataView {
    const { buffer, byteOffset } = this.bytes
    return new DataView(buffer, byteOffset + this.skip(length) - length, length)
  }

  private byte(): number {
    return this.bytes[this.skip(1) - 1]!
  }

  private skip(length: number): number {
    if (length > this.bytes.length - this.at) throw new ProtobufError('it is cut')
    return (this.at += length)
  }
}
