/**
 * The Open Inference Protocol of KServe (V2), its REST form: `POST /v2/models/NAME[/versions/VERSION]/infer`. Triton, MLServer,
 * OpenVINO and others speak it. https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
 *
 * The binary extension of Triton is no JSON and is not read.
 */
import { isObject, jsonIn, pathOf } from './protocol.ts'
import type { Protocol, Understood } from './protocol.ts'
import type { Asking, ServedName } from './renamed.ts'

type Tensor = { name: string; datatype: string; shape: number[]; data: unknown[] }

export const kserveV2: Protocol = {
  read({ body }, asked) {
    const whole = jsonIn(body)
    if (!pathOf(asked).endsWith('/infer'))
      return { value: whole ?? body, whole, firstTokenMs: null, wrong: null }
    return inferAnswer(whole)
  },
  wrongRequest(body) {
    const inputs = isObject(body) ? body['inputs'] : null
    return Array.isArray(inputs) && inputs.every(isTensor)
      ? null
      : '"request" must have "inputs", a list of {"name", "shape", "datatype", "data"}, as KServe V2 takes them'
  },
}

/** What inference answers, over REST or gRPC. */
export function inferAnswer(whole: unknown): Understood | { failure: string } {
  const read = outputsOf(whole)
  if (typeof read === 'string') return { failure: read }
  return { value: valueOf(read), whole, firstTokenMs: null, wrong: wrongTensors(read) }
}

/** Which versions of a model are loaded: `versions` in what it answers. */
export function metadataPath(model: string): string {
  return `/v2/models/${encodeURIComponent(model)}`
}

/** Whose metadata stand there; null for any other path. */
export function metadataOf(path: string): string | null {
  const [, model] = /^\/v2\/models\/([^/?]+)$/.exec(path) ?? []
  return model === undefined ? null : decodeURIComponent(model)
}

/** Its model and version stand in the path. Null where it names another, or nothing of it has another name. */
export function kserveRenamed(asking: Asking, from: ServedName, to: ServedName): Asking | null {
  const parts = /^(\/v2\/models\/)([^/?]+)((?:\/versions\/)([^/?]+))?(.*)$/s.exec(asking.target)
  if (parts === null) return null
  const [, before, model, , version, after] = parts
  if (from.model === null || to.model === null || model !== encodeURIComponent(from.model))
    return null
  const isItsVersion =
    version !== undefined &&
    to.version !== null &&
    version === encodeURIComponent(from.version ?? '')
  const named = isItsVersion ? encodeURIComponent(to.version!) : version
  const versionPart = named === undefined ? '' : `/versions/${named}`
  const target = `${before}${encodeURIComponent(to.model)}${versionPart}${after}`
  return target === asking.target ? null : { ...asking, target }
}

/** By name, whatever order they are written in; null for what is no answer of the protocol. For comparisons. */
export function byName(whole: unknown): Record<string, unknown> | null {
  const outputs = outputsOf(whole)
  if (typeof outputs === 'string') return null
  const named = outputs.map(({ name, datatype, shape, data }) => [
    name,
    { datatype, shape, data: data.flat(Infinity) },
  ])
  return { outputs: Object.fromEntries(named) as unknown }
}

/** Of one output of one element that element; of one output its list; of several all of them by name. Data may be nested. */
function valueOf(outputs: readonly Tensor[]): unknown {
  const flat = ({ data }: Tensor): unknown => {
    const values = data.flat(Infinity)
    return values.length === 1 ? values[0] : values
  }
  if (outputs.length === 1) return flat(outputs[0]!)
  return Object.fromEntries(outputs.map((one) => [one.name, flat(one)]))
}

/** @returns the outputs, or what the answer is instead */
function outputsOf(whole: unknown): Tensor[] | string {
  if (!isObject(whole)) return 'the answer is no JSON object (the binary extension is not read)'
  const { outputs, error } = whole
  if (typeof error === 'string') return `the answer is an error: ${error.slice(0, 200)}`
  if (!Array.isArray(outputs) || outputs.length === 0) return 'the answer has no outputs'
  if (!outputs.every(isTensor))
    return 'the answer has an output without name, shape, datatype or data'
  return outputs
}

function wrongTensors(outputs: readonly Tensor[]): string | null {
  for (const { name, shape, data } of outputs) {
    const [wanted, has] = [shape.reduce((all, one) => all * one, 1), data.flat(Infinity).length]
    if (wanted !== has)
      return `output ${name} has ${has} values, and its shape ${JSON.stringify(shape)} says ${wanted}`
  }
  return null
}

function isTensor(one: unknown): one is Tensor {
  return (
    isObject(one) &&
    typeof one['name'] === 'string' &&
    typeof one['datatype'] === 'string' &&
    Array.isArray(one['shape']) &&
    one['shape'].every((size) => typeof size === 'number') &&
    Array.isArray(one['data'])
  )
}
