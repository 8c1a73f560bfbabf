/**
 * Tensors as the messages have them ↔ as KServe V2 writes them in JSON: `{"name", "datatype", "shape", "data"}`, flat. Values come in a list of
 * their type (`contents`), or as little-endian bytes, one piece for each tensor (`raw_…_contents`).
 */
import { boolIn, exact, inJson, numberIn, ProtobufError, wholeIn } from './protobuf.ts'
import type { Value } from './protobuf.ts'

type Type = {
  /** Where values of it stand; null: only as bytes. */
  contents: string | null
  /** Of one value; null: each says its own length, 4 bytes before it. */
  size: number | null
  read: (from: DataView) => unknown
  write: (value: unknown, into: DataView, at: string) => void
}

const whole = (contents: string, bits: 8 | 16 | 32 | 64, signed: boolean): Type => {
  const most = 2n ** BigInt(signed ? bits - 1 : bits)
  const limits = [signed ? -most : 0n, most - 1n] as const
  return {
    contents,
    size: bits / 8,
    read: (from) => {
      if (bits === 64) return exact(signed ? from.getBigInt64(0, true) : from.getBigUint64(0, true))
      return signed ? from[`getInt${bits}`](0, true) : from[`getUint${bits}`](0, true)
    },
    write: (value, into, at) => {
      const number = wholeIn(value, limits, at)
      if (bits === 64) into.setBigUint64(0, BigInt.asUintN(64, number), true)
      else into[`setInt${bits}`](0, Number(BigInt.asIntN(bits, number)), true)
    },
  }
}

const types: Readonly<Record<string, Type>> = {
  BOOL: {
    contents: 'bool_contents',
    size: 1,
    read: (from) => from.getUint8(0) !== 0,
    write: (value, into, at) => into.setUint8(0, boolIn(value, at) ? 1 : 0),
  },
  INT8: whole('int_contents', 8, true),
  INT16: whole('int_contents', 16, true),
  INT32: whole('int_contents', 32, true),
  INT64: whole('int64_contents', 64, true),
  UINT8: whole('uint_contents', 8, false),
  UINT16: whole('uint_contents', 16, false),
  UINT32: whole('uint_contents', 32, false),
  UINT64: whole('uint64_contents', 64, false),
  FP16: {
    contents: null,
    size: 2,
    read: (from) => inJson(from.getFloat16(0, true)),
    write: (value, into, at) => into.setFloat16(0, numberIn(value, at), true),
  },
  BF16: {
    contents: null,
    size: 2,
    // The upper half of an FP32.
    read: (from) => {
      const wide = new DataView(new ArrayBuffer(4))
      wide.setUint16(2, from.getUint16(0, true), true)
      return inJson(wide.getFloat32(0, true))
    },
    write: (value, into, at) => {
      const wide = new DataView(new ArrayBuffer(4))
      wide.setFloat32(0, numberIn(value, at), true)
      into.setUint16(0, wide.getUint16(2, true), true)
    },
  },
  FP32: {
    contents: 'fp32_contents',
    size: 4,
    read: (from) => inJson(from.getFloat32(0, true)),
    write: (value, into, at) => into.setFloat32(0, numberIn(value, at), true),
  },
  FP64: {
    contents: 'fp64_contents',
    size: 8,
    read: (from) => inJson(from.getFloat64(0, true)),
    write: (value, into, at) => into.setFloat64(0, numberIn(value, at), true),
  },
  BYTES: {
    contents: 'bytes_contents',
    size: null,
    read: () => undefined,
    write: () => undefined,
  },
}

/** @param raw its values as bytes; undefined where they stand in its `contents` @throws ProtobufError */
export function tensorInJson({ contents, ...tensor }: Value, raw: Uint8Array | undefined): Value {
  const datatype = tensor['datatype'] as string
  const type = typeOf(datatype, String(tensor['name']))
  if (raw !== undefined) return { ...tensor, data: fromRaw(type, raw) }
  const lists = Object.entries((contents ?? {}) as Record<string, unknown[]>).filter(
    ([, list]) => list.length > 0,
  )
  const other = lists.find(([name]) => name !== type.contents)
  if (other !== undefined)
    throw new ProtobufError(
      `tensor ${String(tensor['name'])} of ${datatype} has its values in ${other[0]}`,
    )
  const values = lists[0]?.[1] ?? []
  return {
    ...tensor,
    data: type.size === null ? values.map((one) => wordsOf(one as Uint8Array)) : values,
  }
}

/** @param asBytes all values as bytes @throws ProtobufError naming the place */
export function tensorFromJson(
  { data, ...tensor }: Value,
  at: string,
  asBytes: boolean,
): { tensor: Value; raw: Uint8Array | null } {
  const type = typeOf(tensor['datatype'], at)
  if (!Array.isArray(data)) throw new ProtobufError(`${at}.data must be a list`)
  const flat = data.flat(Infinity) as unknown[]
  if (asBytes) return { tensor, raw: toRaw(type, flat, at) }
  const values =
    type.size === null
      ? flat.map((one, index) => bytesOf(one, `${at}.data[${index}]`))
      : checked(type, flat, at)
  return { tensor: { ...tensor, contents: { [type.contents!]: values } }, raw: null }
}

/** Its values go as bytes only. */
export function needsRaw(tensor: unknown): boolean {
  const datatype = (tensor as Value | null)?.['datatype']
  return types[String(datatype)]?.contents === null
}

function typeOf(datatype: unknown, at: string): Type {
  const type =
    typeof datatype === 'string' && Object.hasOwn(types, datatype) ? types[datatype] : undefined
  if (type === undefined)
    throw new ProtobufError(
      `${at} has datatype ${JSON.stringify(datatype)}; there are ${Object.keys(types).join(', ')}`,
    )
  return type
}

/** An INT8 travels as an int32: what is out of its range is found here. */
function checked(
  { size, write }: Type,
  values: readonly unknown[],
  at: string,
): readonly unknown[] {
  const into = new DataView(new ArrayBuffer(size!))
  for (const [index, value] of values.entries()) write(value, into, `${at}.data[${index}]`)
  return values
}

function fromRaw({ size, read }: Type, raw: Uint8Array): unknown[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.length)
  const values: unknown[] = []
  if (size !== null) {
    if (raw.length % size !== 0)
      throw new ProtobufError('the bytes of a tensor are no whole values')
    for (let at = 0; at < raw.length; at += size)
      values.push(read(new DataView(raw.buffer, raw.byteOffset + at, size)))
    return values
  }
  for (let at = 0; at < raw.length;) {
    const length = at + 4 <= raw.length ? view.getUint32(at, true) : Infinity
    if (at + 4 + length > raw.length) throw new ProtobufError('the bytes of a tensor are cut')
    values.push(wordsOf(raw.subarray(at + 4, at + 4 + length)))
    at += 4 + length
  }
  return values
}

function toRaw({ size, write }: Type, values: readonly unknown[], at: string): Uint8Array {
  if (size === null)
    return Buffer.concat(
      values.flatMap((one, index) => {
        const bytes = bytesOf(one, `${at}.data[${index}]`)
        const length = Buffer.alloc(4)
        length.writeUInt32LE(bytes.length)
        return [length, bytes]
      }),
    )
  const raw = new Uint8Array(values.length * size)
  for (const [index, value] of values.entries())
    write(value, new DataView(raw.buffer, index * size, size), `${at}.data[${index}]`)
  return raw
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A text where it is one, else `{"base64"}`. */
function wordsOf(bytes: Uint8Array): unknown {
  try {
    return utf8.decode(bytes)
  } catch {
    return { base64: Buffer.from(bytes).toString('base64') }
  }
}

function bytesOf(value: unknown, at: string): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value)
  const { base64 } = (value ?? {}) as { base64?: unknown }
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64')
  throw new ProtobufError(`${at} must be a text or {"base64"}, came ${JSON.stringify(value)}`)
}
