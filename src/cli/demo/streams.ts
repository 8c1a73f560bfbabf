/**
 * The clients of the language model's story, in a thread of their own: some ask for short answers again and again, some read
 * one long stream after the other. Each waits for its answer: a slow machine gets fewer requests, not a longer queue. They know
 * what clients know: what they asked, what came back, when, and whether it came to its end.
 */
import { Agent, request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { StreamTally } from './stream-tally.ts'
import type { StreamMessage } from './stream-tally.ts'

export type StreamsData = {
  /** Of the service: `http://…/v1`. */
  url: string
  shortClients: number
  streamClients: number
  /** Of a long stream. */
  tokens: number
  prompts: readonly string[]
}

const { url, shortClients, streamClients, tokens, prompts } = workerData as StreamsData
const answerMs = 20_000
const streamMs = 90_000
const shortTokens = 6
const pauseMs = 150
const reportMs = 100
/** Every fourth request opens a connection of its own. */
const freshEvery = 4

const kept = new Agent({ keepAlive: true, maxSockets: 64 })
const tally = new StreamTally()
let asked = 0
let streams = 0
let stopping = false

const reports = setInterval(report, reportMs)
const clients = [
  ...Array.from({ length: shortClients }, () => askAgain()),
  ...Array.from({ length: streamClients }, () => readStreams()),
]

parentPort!.on('message', () => {
  stopping = true
  void Promise.all(clients).then(finish)
})

async function askAgain(): Promise<void> {
  while (!stopping) {
    await short(asked++)
    await pause()
  }
}

async function short(index: number): Promise<void> {
  const body = { prompt: prompts[index % prompts.length], max_tokens: shortTokens, seed: index }
  const { sentAt, failure, version, firstByteAt, status } = await ask('completions', body, answerMs)
  if (failure !== null) tally.lostOne(failure)
  else tally.answered({ sentAt, answeredAt: firstByteAt, version }, status)
}

/** As soon as one has ended, the next begins. */
async function readStreams(): Promise<void> {
  while (!stopping) {
    const seed = streams++
    const messages = [{ role: 'user', content: prompts[seed % prompts.length] }]
    const body = { messages, max_tokens: tokens, temperature: 0.8, seed, stream: true }
    const { sentAt, endedAt, failure, version, firstByteAt, status, text } = await ask(
      'chat/completions',
      body,
      streamMs,
    )
    if (failure === null && status === 200)
      tally.streamed({ sentAt, answeredAt: firstByteAt, endedAt, version }, text)
    else if (failure === null) tally.answered({ sentAt, answeredAt: firstByteAt, version }, status)
    else tally.lostOne(failure)
    // What is refused at once is not asked again at once.
    if (failure !== null || status !== 200) await pause()
  }
}

type Got = {
  sentAt: number
  firstByteAt: number
  endedAt: number
  status: number
  version: string
  text: string
  /** Null where there was a whole answer of some version. */
  failure: string | null
}

function ask(path: string, body: object, limitMs: number): Promise<Got> {
  const sentAt = wallNow()
  const { promise, resolve } = Promise.withResolvers<Got>()
  const got = { sentAt, firstByteAt: 0, endedAt: 0, status: 0, version: '', text: '' }
  const end = (failure: string | null) => resolve({ ...got, endedAt: wallNow(), failure })
  const sent = JSON.stringify({ model: 'moby-pico', ...body })
  const outgoing = request(
    `${url}/${path}`,
    {
      method: 'POST',
      agent: asked % freshEvery === 0 ? false : kept,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) },
      signal: AbortSignal.timeout(limitMs),
    },
    (incoming) => {
      got.firstByteAt = wallNow()
      got.status = incoming.statusCode ?? 0
      const version = incoming.headers['beryl-version']
      got.version = typeof version === 'string' ? version : ''
      incoming.setEncoding('utf8')
      incoming.on('data', (text: string) => (got.text += text))
      incoming.on('error', (error) => end(error.message))
      incoming.on('end', () => end(problemOf(got, 'stream' in body)))
    },
  )
  outgoing.on('error', (error) => end(error.message))
  outgoing.end(sent)
  return promise
}

function problemOf(
  { status, version, text }: Omit<Got, 'failure'>,
  streamed: boolean,
): string | null {
  if (version === '') return `status ${status} of no version: ${text.slice(0, 120)}`
  if (status !== 200) return null
  if (streamed && !text.endsWith('data: [DONE]\n\n'))
    return `a stream of ${version} was cut after ${text.length} bytes`
  return null
}

function wallNow(): number {
  return performance.timeOrigin + performance.now()
}

function report(): void {
  parentPort!.postMessage(tally.message(false) satisfies StreamMessage)
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, pauseMs))
}

function finish(): void {
  clearInterval(reports)
  parentPort!.postMessage(tally.message(true) satisfies StreamMessage)
  kept.destroy()
  parentPort!.close()
}
