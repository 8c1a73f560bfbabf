/** A language model behind an API in OpenAI's shapes. See README.md for its options. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseArgs } from 'node:util'
import { firstOfChat, pieceOfStream, wholeAnswer } from './answers.ts'
import type { About, Token } from './answers.ts'
import { engineOf, TooBusy } from './engine.ts'
import { loadModel } from './model.ts'
import { readRequest, Refused } from './requests.ts'
import type { Request } from './requests.ts'
import { textOut } from './text-out.ts'
import { loadTokenizer } from './tokenizer.ts'

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    tokenizer: { type: 'string' },
    port: { type: 'string' },
    /** Each name that clients may ask for. */
    name: { type: 'string', multiple: true, default: ['moby-pico'] },
    /** Tokens a second that a stream gets at most; 0 is as fast as it goes. */
    'tokens-per-second': { type: 'string', default: '0' },
    /** A fault to be found: whatever clients ask for, this temperature is used. */
    'fixed-temperature': { type: 'string' },
  },
})
if (options.model === undefined || options.tokenizer === undefined || options.port === undefined)
  throw new Error('usage: node server.ts --model FILE --tokenizer FILE --port N [--name NAME …]')

const bodyMaxBytes = 256 * 1024
const kinds = { '/v1/completions': 'completion', '/v1/chat/completions': 'chat' } as const
const weights = options.model
const tokenizer = loadTokenizer(options.tokenizer)
/** Null while it sleeps: the weights are gone from memory then, and are read from disk again. */
let awake: ReturnType<typeof wake> | null = wake()
const controls: Record<string, string> = {
  '/sleep': 'POST',
  '/wake_up': 'POST',
  '/is_sleeping': 'GET',
}
const begun = Math.floor(Date.now() / 1000)
const perSecond = Number(options['tokens-per-second'])
let count = 0

const server = createServer((request, response) => void handle(request, response))
server.listen(Number(options.port), '127.0.0.1')

process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})

async function handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(incoming.url ?? '/', 'http://here')
  try {
    if (pathname === '/health')
      return send(response, 200, { status: 'ok', active: awake?.engine.active ?? 0 })
    if (pathname in controls) return control(pathname, incoming, response)
    if (pathname === '/v1/models') return send(response, 200, modelList())
    const kind = pathname in kinds ? kinds[pathname as keyof typeof kinds] : null
    if (kind === null || incoming.method !== 'POST')
      throw new Refused(
        404,
        'not_found',
        `POST ${Object.keys(kinds).join(' or ')}, GET /v1/models or /health`,
      )
    await answer(readRequest(kind, await bodyOf(incoming), options.name), response)
  } catch (error) {
    refuse(response, error as Error)
  }
}

function wake() {
  const model = loadModel(weights)
  if (tokenizer.size !== model.vocabulary)
    throw new Error(`the tokenizer has ${tokenizer.size} tokens, the model ${model.vocabulary}`)
  return { model, engine: engineOf(model) }
}

/** As vLLM has them in its developer mode. */
function control(pathname: string, { method }: IncomingMessage, response: ServerResponse): void {
  if (method !== controls[pathname])
    throw new Refused(405, 'wrong_method', `use ${controls[pathname]}`)
  if (pathname === '/sleep' && awake !== null && awake.engine.active > 0)
    throw new Refused(409, 'in_use', 'it is writing; ask again when it has ended')
  if (pathname === '/sleep') awake = null
  if (pathname === '/wake_up') awake ??= wake()
  send(response, 200, { is_sleeping: awake === null })
}

/** @throws Refused, TooBusy: before anything was sent */
async function answer(request: Request, response: ServerResponse): Promise<void> {
  if (awake === null) throw new Refused(503, 'asleep', 'it sleeps: POST /wake_up first')
  const { model, engine } = awake
  const prompt = tokenizer.encode(request.text)
  if (prompt.length + Math.min(1, request.most) > model.context)
    throw new Refused(
      400,
      'context_length_exceeded',
      `the prompt has ${prompt.length} tokens, and there is room for ${model.context}`,
    )
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const about: About = {
    id: `${request.kind === 'chat' ? 'chatcmpl' : 'cmpl'}-${process.pid}-${++count}`,
    created: Math.floor(Date.now() / 1000),
    model: options.name[0]!,
  }
  const out = textOut(request.stops)
  /** Written, and not yet sent. */
  let tokens: Token[] = []
  let text = ''
  let sent = 0
  let completed = 0
  const writing = engine.write({
    prompt,
    most: request.most,
    temperature: Number(options['fixed-temperature'] ?? request.temperature),
    seed: request.seed,
    scored: request.echo && request.logProbabilities,
    paceMs: request.stream && perSecond > 0 ? 1000 / perSecond : 0,
    wrote({ token, logProbability }) {
      completed++
      const bytes = tokenizer.bytesOf(token)
      tokens.push({ text: Buffer.from(bytes).toString(), bytes, logProbability })
      text += out.take(bytes)
      if (request.stream && text.length > sent) flush(null)
      return out.stopped
    },
    signal: gone.signal,
  })
  if (request.stream) {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    if (request.kind === 'chat') event(firstOfChat(about))
    if (request.echo) {
      text = request.text
      flush(null)
    }
  }
  const { why, promptLogProbabilities } = await writing
  if (why === 'gone') return
  text += out.rest()
  const usage = {
    prompt_tokens: prompt.length,
    completion_tokens: completed,
    total_tokens: prompt.length + completed,
  }
  if (!request.stream) {
    const echoed = request.echo ? echoOf(prompt, promptLogProbabilities) : []
    const whole = {
      text: (request.echo ? request.text : '') + text,
      tokens: [...echoed, ...tokens],
      why,
    }
    return send(response, 200, wholeAnswer(about, request, whole, usage))
  }
  flush(why)
  if (request.usageInStream) event({ ...about, object: 'usage', choices: [], usage })
  response.end('data: [DONE]\n\n')

  function flush(end: 'length' | 'stop' | null): void {
    event(pieceOfStream(about, request, { text: text.slice(sent), tokens, why: end }, sent))
    sent = text.length
    tokens = []
  }
  function event(data: object): void {
    response.write(`data: ${JSON.stringify(data)}\n\n`)
  }
}

function echoOf(prompt: readonly number[], logProbabilities: readonly (number | null)[]): Token[] {
  return prompt.map((token, index) => {
    const bytes = tokenizer.bytesOf(token)
    const logProbability = logProbabilities[index] ?? null
    return { text: Buffer.from(bytes).toString(), bytes, logProbability }
  })
}

function modelList(): object {
  const one = (id: string) => ({ id, object: 'model', created: begun, owned_by: 'beryl-example' })
  return { object: 'list', data: options.name.map(one) }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > bodyMaxBytes)
      throw new Refused(413, 'too_large', `the body is larger than ${bodyMaxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function refuse(response: ServerResponse, error: Error): void {
  if (response.headersSent) return void response.destroy()
  const status = error instanceof Refused ? error.status : error instanceof TooBusy ? 503 : 500
  const code = error instanceof Refused ? error.code : status === 503 ? 'busy' : 'internal_error'
  if (status === 500) console.error(error)
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  send(response, status, { error: { message: error.message, type, param: null, code } })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
