/** The example's model server: plain HTTP. `node server.ts --model DIRECTORY --port N` */
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { parseArgs } from 'node:util'
import { classify, loadModel } from './model.ts'
import type { Answer } from './model.ts'

const { values } = parseArgs({ options: { model: { type: 'string' }, port: { type: 'string' } } })
if (values.model === undefined || values.port === undefined)
  throw new Error('usage: node server.ts --model DIRECTORY --port N')

const bodyMaxBytes = 64 * 1024
const model = loadModel(values.model)
/** Uncertain answers to clients, for a person to look at. */
const review: { client: string; text: string; answer: Answer }[] = []

const server = createServer((request, response) => {
  const send = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  if (request.url === '/healthz') return send(200, { ready: true })
  if (request.url !== '/classify' || request.method !== 'POST')
    return send(404, { error: 'POST /classify {"text": "…"}' })
  void respond(request, send)
})
server.listen(Number(values.port), '127.0.0.1')

process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})

async function respond(
  request: IncomingMessage,
  send: (status: number, body: object) => void,
): Promise<void> {
  let text: string
  try {
    text = await textOf(request)
  } catch (error) {
    return send(400, { error: (error as Error).message })
  }
  try {
    send(200, answerTo(text, String(request.headers['x-forwarded-for'] ?? '')))
  } catch (error) {
    console.error((error as Error).message)
    send(500, { error: (error as Error).message })
  }
}

/** @param client who asked, as the gateway says; empty for whoever asks this server itself, as gates do */
function answerTo(text: string, client: string): Answer {
  const answer = classify(model, text)
  if (model.review !== undefined && client !== '' && answer.confidence < model.review.below) {
    // Nobody ever empties this list: the bug that only real traffic finds, however long a version is tested.
    if (review.length >= model.review.capacity)
      throw new Error(`the review list is full (${model.review.capacity} answers)`)
    review.push({ client, text, answer })
  }
  return answer
}

/** @throws Error for anything that is not {"text": string} */
async function textOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) {
    body += String(chunk)
    if (body.length > bodyMaxBytes) throw new Error(`the body is larger than ${bodyMaxBytes} bytes`)
  }
  const asked: unknown = JSON.parse(body)
  if (
    typeof asked !== 'object' ||
    asked === null ||
    !('text' in asked) ||
    typeof asked.text !== 'string'
  )
    throw new Error('expected {"text": "…"}')
  return asked.text
}
