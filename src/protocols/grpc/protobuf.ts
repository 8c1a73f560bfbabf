/**
 * Messages of Protocol Buffers (proto3) ↔ values of JSON, by a table of fields. https://protobuf.dev/programming-guides/encoding
 *
 * What the table does not have is refused, never lost: such a message stays the bytes that it is. Of a 64-bit number outside of what
 * JSON holds exactly the digits are kept, as a text; NaN and the infinities are texts too, as proto3's JSON has them.
 */

export type Whole = 'bool' | 'int32' | 'int64' | 'uint32' | 'uint64'
export type Kind = Whole | 'string' | 'bytes' | 'float' | 'double'

export type Field = {
  name: string
  kind: Kind | Shape
  many?: boolean
  map?: boolean
  choice?: boolean
}
/** By the numbers of its fields. */
export type Shape = { readonly [field: number]: Field }
export type Value = Record<string, unknown>

/** It is no such message, or no such message can be made of it. */
export class ProtobufError extends TypeError {
  override name = 'ProtobufError'
}

export const wire = { varint: 0, eight: 1, length: 2, four: 5 }

export function wireOf(kind: Kind): number {
  return kind === 'float' ? wire.four : kind === 'double' ? wire.eight : wire.varint
}

/** A number where JSON holds it exactly, else its digits. */
export function exact(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** JSON has no NaN and no infinities. */
export function inJson(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** @throws ProtobufError naming the place */
export function wholeIn(
  content: unknown,
  [least, most]: readonly [bigint, bigint],
  at: string,
): bigint {
  const isWhole =
    typeof content === 'string' ? /^-?\d{1,20}$/.test(content) : Number.isSafeInteger(content)
  const value = isWhole ? BigInt(content as string | number) : null
  if (value === null || value < least || value > most)
    throw new ProtobufError(
      `${at} must be a whole number from ${least} to ${most}, came ${JSON.stringify(content)}`,
    )
  return value
}

/** @throws ProtobufError naming the place */
export function numberIn(content: unknown, at: string): number {
  if (typeof content === 'number') return content
  if (content === 'NaN' || content === 'Infinity' || content === '-Infinity') return Number(content)
  throw new ProtobufError(`${at} must be a number, came ${JSON.stringify(content)}`)
}

/** @throws ProtobufError naming the place */
export function boolIn(content: unknown, at: string): boolean {
  if (typeof content === 'boolean') return content
  throw new ProtobufError(`${at} must be true or false, came ${JSON.stringify(content)}`)
}
