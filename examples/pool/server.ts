/**
 * A small model server that loads and unloads: the health, metadata, inference and model repository calls of the KServe V2 protocol, over
 * the models of `examples/langid`. One server, two uses: of one model (`--load`), and as a pool.
 *
 *   node server.ts --port N [--models MOST] [--load NAME]… NAME=DIRECTORY…
 *
 * https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_model_repository.md
 */
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { classify, loadModel } from '../langid/model.ts'
import type { Model } from '../langid/model.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: 'string' },
    models: { type: 'string' },
    load: { type: 'string', multiple: true, default: [] },
  },
})
if (values.port === undefined || positionals.some((one) => !one.includes('=')))
  throw new Error(
    'usage: node server.ts --port N [--models MOST] [--load NAME]… NAME=DIRECTORY…; NAME is what clients ask for',
  )

const bodyMaxBytes = 64 * 1024
/** Loaded at once. */
const most = values.models === undefined ? Infinity : Number(values.models)
/** What can be loaded: name → directory. */
const repository = new Map(
  positionals.map((one) => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)]),
)
const loaded = new Map<string, Model>()
for (const name of values.load) load(name)

type Answer = { status: number; body: object }

const server = createServer((request, response) => {
  void respond(request, (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  })
})
server.listen(Number(values.port), '127.0.0.1', () =>
  console.log(`listening: ${JSON.stringify(server.address())}`),
)

process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})

async function respond(
  request: IncomingMessage,
  send: (status: number, body: object) => void,
): Promise<void> {
  try {
    const { status, body } = await answerTo(request)
    send(status, body)
  } catch (error) {
    send(400, { error: (error as Error).message })
  }
}

async function answerTo(request: IncomingMessage): Promise<Answer> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const asked = `${request.method} ${pathname}`
  if (/^GET \/v2\/health\/(live|ready)$/.test(asked)) return { status: 200, body: {} }
  if (asked === 'POST /v2/repository/index') return { status: 200, body: index() }
  const change = /^POST \/v2\/repository\/models\/([^/]+)\/(load|unload)$/.exec(asked)
  if (change !== null) {
    // It may carry parameters; there are none here.
    await textOf(request)
    return (change[2] === 'load' ? load : unload)(decodeURIComponent(change[1]))
  }
  const of = /^(GET|POST) \/v2\/models\/([^/]+)(\/ready|\/infer)?$/.exec(asked)
  if (of === null) return { status: 404, body: { error: `${asked}: no such call` } }
  const name = decodeURIComponent(of[2])
  const model = loaded.get(name)
  if (model === undefined)
    return {
      status: 404,
      body: { error: `${name} is not loaded (${[...loaded.keys()].join(', ')})` },
    }
  if (of[3] === '/ready') return { status: 200, body: { name, ready: true } }
  if (of[3] === undefined) return { status: 200, body: metadataOf(name) }
  return { status: 200, body: infer(name, model, JSON.parse(await textOf(request))) }
}

function load(name: string): Answer {
  const directory = repository.get(name)
  if (directory === undefined)
    return { status: 404, body: { error: `${name}: not in the repository` } }
  if (!loaded.has(name) && loaded.size >= most)
    return { status: 507, body: { error: `${name}: ${most} models are loaded, and no more fit` } }
  try {
    loaded.set(name, loadModel(directory))
    return { status: 200, body: {} }
  } catch (error) {
    return { status: 500, body: { error: `${name}: ${(error as Error).message}` } }
  }
}

function unload(name: string): Answer {
  if (!repository.has(name))
    return { status: 404, body: { error: `${name}: not in the repository` } }
  loaded.delete(name)
  return { status: 200, body: {} }
}

function index(): object[] {
  return [...repository.keys()].map((name) => ({
    name,
    state: loaded.has(name) ? 'READY' : 'UNAVAILABLE',
    reason: '',
  }))
}

function metadataOf(name: string): object {
  const of = (what: string, datatype: string) => ({ name: what, datatype, shape: [1] })
  return {
    name,
    platform: 'langid',
    inputs: [of('text', 'BYTES')],
    outputs: [of('language', 'BYTES'), of('confidence', 'FP64')],
  }
}

/** @throws Error for anything that is not one text, as the input `text` */
function infer(name: string, model: Model, asked: { inputs?: unknown }): object {
  const inputs = Array.isArray(asked.inputs)
    ? (asked.inputs as { name?: string; data?: unknown[] }[])
    : []
  const text: unknown = inputs.find((one) => one.name === 'text')?.data?.[0]
  if (typeof text !== 'string')
    throw new Error(
      'expected {"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":["…"]}]}',
    )
  const { language, confidence } = classify(model, text)
  const of = (what: string, datatype: string, value: unknown) => ({
    name: what,
    datatype,
    shape: [1],
    data: [value],
  })
  return {
    model_name: name,
    outputs: [of('language', 'BYTES', language), of('confidence', 'FP64', confidence)],
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > bodyMaxBytes) throw new Error(`the body is larger than ${bodyMaxBytes} bytes`)
  }
  return body
}
