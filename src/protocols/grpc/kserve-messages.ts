/**
 * The messages of the Open Inference Protocol (KServe V2) over gRPC, as a table. Facts from
 * https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/open_inference_grpc.proto; KServe's
 * grpc_predict_v2.proto and Triton's grpc_service.proto number the same fields alike.
 */
import type { Field, Shape } from './protobuf.ts'

const text = (name: string): Field => ({ name, kind: 'string' })
const texts = (name: string): Field => ({ name, kind: 'string', many: true })
const all = (name: string, kind: Field['kind']): Field => ({ name, kind, many: true })

/** One of them says what a parameter is. */
const parameter: Shape = {
  1: { name: 'bool_param', kind: 'bool', choice: true },
  2: { name: 'int64_param', kind: 'int64', choice: true },
  3: { name: 'string_param', kind: 'string', choice: true },
  4: { name: 'double_param', kind: 'double', choice: true },
  5: { name: 'uint64_param', kind: 'uint64', choice: true },
}
const parameters: Field = { name: 'parameters', kind: parameter, map: true }

const contents: Shape = {
  1: all('bool_contents', 'bool'),
  2: all('int_contents', 'int32'),
  3: all('int64_contents', 'int64'),
  4: all('uint_contents', 'uint32'),
  5: all('uint64_contents', 'uint64'),
  6: all('fp32_contents', 'float'),
  7: all('fp64_contents', 'double'),
  8: all('bytes_contents', 'bytes'),
}

const tensor: Shape = {
  1: text('name'),
  2: text('datatype'),
  3: all('shape', 'int64'),
  4: parameters,
  5: { name: 'contents', kind: contents },
}

const metadata: Shape = { 1: text('name'), 2: text('datatype'), 3: all('shape', 'int64') }
const model: Shape = { 1: text('name'), 2: text('version') }
const ready: Shape = { 1: { name: 'ready', kind: 'bool' } }

export const inferRequest: Shape = {
  1: text('model_name'),
  2: text('model_version'),
  3: text('id'),
  4: parameters,
  5: all('inputs', tensor),
  6: all('outputs', { 1: text('name'), 2: parameters }),
  7: all('raw_input_contents', 'bytes'),
}

export const inferResponse: Shape = {
  1: text('model_name'),
  2: text('model_version'),
  3: text('id'),
  4: parameters,
  5: all('outputs', tensor),
  6: all('raw_output_contents', 'bytes'),
}

const service = '/inference.GRPCInferenceService'
export const inferPath = `${service}/ModelInfer`
export const metadataMethod = `${service}/ModelMetadata`

/** By path; of calls that have one message each way. */
export const methods: Readonly<Record<string, { request: Shape; response: Shape }>> = {
  [inferPath]: { request: inferRequest, response: inferResponse },
  [`${service}/ServerLive`]: { request: {}, response: { 1: { name: 'live', kind: 'bool' } } },
  [`${service}/ServerReady`]: { request: {}, response: ready },
  [`${service}/ModelReady`]: { request: model, response: ready },
  [`${service}/ServerMetadata`]: {
    request: {},
    response: { 1: text('name'), 2: text('version'), 3: texts('extensions') },
  },
  [metadataMethod]: {
    request: model,
    response: {
      1: text('name'),
      2: texts('versions'),
      3: text('platform'),
      4: all('inputs', metadata),
      5: all('outputs', metadata),
    },
  },
}
