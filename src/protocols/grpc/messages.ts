/**
 * A message of gRPC ↔ what gates read and write: JSON. The messages of KServe V2 are known; `ModelInfer` is written as its REST form has it, with
 * `model_name` and `model_version` beside. Any other message is `{"base64"}`. Pure.
 */
import { isObject } from '../protocol.ts'
import { inferPath, methods } from './kserve-messages.ts'
import { decode } from './decode.ts'
import { encode } from './encode.ts'
import { ProtobufError } from './protobuf.ts'
import type { Value } from './protobuf.ts'
import { needsRaw, tensorFromJson, tensorInJson } from './tensors.ts'

/** @param path of the method, without a query @throws ProtobufError where it is no such message, or has more than is known */
export function messageInJson(
  path: string,
  side: 'request' | 'response',
  bytes: Uint8Array,
): unknown {
  const method = methods[path]
  if (method === undefined) throw new ProtobufError(`the messages of ${path} are not known`)
  const value = decode(method[side], bytes)
  return path === inferPath ? inferInJson(value, side) : value
}

/** @throws ProtobufError that names what is wrong */
export function messageFromJson(path: string, request: unknown): Uint8Array {
  if (
    isObject(request) &&
    typeof request['base64'] === 'string' &&
    Object.keys(request).length === 1
  )
    return Buffer.from(request['base64'], 'base64')
  const method = methods[path]
  // A message without fields: what asks nothing.
  const isEmpty = request === null || (isObject(request) && Object.keys(request).length === 0)
  if (isEmpty && path !== inferPath) return new Uint8Array()
  if (method === undefined)
    throw new ProtobufError(
      `the messages of ${path} are not known (those of ${inferPath} are): give {"base64": the message}`,
    )
  return encode(method.request, path === inferPath ? inferFromJson(request) : request)
}

export function isKnown(path: string): boolean {
  return path in methods
}

function inferInJson(value: Value, side: 'request' | 'response'): unknown {
  const [tensors, bytes] =
    side === 'request'
      ? (['inputs', 'raw_input_contents'] as const)
      : (['outputs', 'raw_output_contents'] as const)
  const { [bytes]: pieces, ...rest } = value
  const raw = pieces as readonly Uint8Array[]
  const all = value[tensors] as readonly Value[]
  if (raw.length > 0 && raw.length !== all.length)
    throw new ProtobufError(`it has ${all.length} tensors, and the bytes of ${raw.length}`)
  return plainParameters({
    ...rest,
    [tensors]: all.map((tensor, index) => plainParameters(tensorInJson(tensor, raw[index]))),
    ...(side === 'request' ? { outputs: (value['outputs'] as Value[]).map(plainParameters) } : {}),
    // Written again it is the same message.
    ...(side === 'request' && raw.length > 0 ? { raw: true } : {}),
  })
}

function inferFromJson(request: unknown): Value {
  if (!isObject(request) || !Array.isArray(request['inputs']))
    throw new ProtobufError(
      '"request" must have "inputs", a list of {"name", "shape", "datatype", "data"}',
    )
  if (typeof request['model_name'] !== 'string' || request['model_name'] === '')
    throw new ProtobufError(
      '"request" must have "model_name": over gRPC no path says which model is asked',
    )
  const { raw: wanted = false, ...rest } = request
  const inputs = request['inputs'] as unknown[]
  const asBytes = wanted === true || inputs.some(needsRaw)
  const written = inputs.map((one, index) => {
    if (!isObject(one)) throw new ProtobufError(`inputs[${index}] must be an object`)
    return tensorFromJson(choiceParameters(one), `inputs[${index}]`, asBytes)
  })
  return {
    ...choiceParameters(rest),
    inputs: written.map(({ tensor }) => tensor),
    ...(Array.isArray(rest['outputs'])
      ? {
          outputs: rest['outputs'].map((one) =>
            isObject(one) ? choiceParameters(one) : (one as unknown),
          ),
        }
      : {}),
    ...(asBytes ? { raw_input_contents: written.map(({ raw }) => raw) } : {}),
  }
}

/** `{"int64_param": 3}` → 3 */
function plainParameters(value: Value): Value {
  const { parameters } = value
  if (parameters === undefined) return value
  const plain = Object.entries(parameters as Record<string, Value | undefined>).map(
    ([name, choice = {}]) => {
      const [only, ...more] = Object.entries(choice)
      const isPlain = only !== undefined && more.length === 0 && saysItsKind(...only)
      return [name, isPlain ? only[1] : choice]
    },
  )
  return { ...value, parameters: Object.fromEntries(plain) as unknown }
}

/** Written again without its kind it would be of the same. */
function saysItsKind(kind: string, content: unknown): boolean {
  if (kind === 'bool_param') return true
  if (kind === 'string_param') return true
  if (typeof content !== 'number') return false
  return kind === 'int64_param' || (kind === 'double_param' && !Number.isInteger(content))
}

function choiceParameters(value: Value): Value {
  const { parameters } = value
  if (!isObject(parameters)) return value
  const choices = Object.entries(parameters).map(([name, content]) => {
    if (typeof content === 'boolean') return [name, { bool_param: content }]
    if (typeof content === 'string') return [name, { string_param: content }]
    if (typeof content === 'number')
      return [
        name,
        Number.isInteger(content) ? { int64_param: content } : { double_param: content },
      ]
    return [name, content]
  })
  return { ...value, parameters: Object.fromEntries(choices) as unknown }
}
