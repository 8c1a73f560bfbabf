/**
 * The demo's client: steady real traffic in a thread of its own, at a fixed rate whatever the answers take, on kept and on new
 * connections. It knows only what a client knows: what it asked, what came back, and when.
 */
import { Agent, request } from 'node:http'
import { parentPort, workerData } from 'node:worker_threads'
import { Tally } from './tally.ts'
import type { Answered, Counts } from './tally.ts'

export type TrafficData = {
  url: string
  perSecond: number
  inputs: readonly { body: string; expected: string }[]
}
/** `answers` comes once, at the end. */
export type TrafficMessage = { counts: Counts; answers: readonly Answered[] | null }

const { url, perSecond, inputs } = workerData as TrafficData
const answerMs = 10_000
const inFlightMax = 500
const reportMs = 100
/** Every fourth request opens a connection of its own. */
const freshEvery = 4

const kept = new Agent({ keepAlive: true, maxSockets: 64 })
const tally = new Tally()
let next = 0
let inFlight = 0
let stopping = false

const begun = performance.now()
const clock = setInterval(send, 5)
const reports = setInterval(report, reportMs)

parentPort!.on('message', () => {
  stopping = true
  clearInterval(clock)
  finishIfDone()
})

/** Sends what is due by now: a slow answer delays no other request. */
function send(): void {
  const due = Math.floor(((performance.now() - begun) / 1000) * perSecond)
  while (next < due && inFlight < inFlightMax) ask(next++)
}

function ask(index: number): void {
  const { body, expected } = inputs[index % inputs.length]!
  const sentAt = wallNow()
  inFlight++
  let over = false
  const done = (count: () => void) => {
    if (over) return
    over = true
    inFlight--
    count()
    finishIfDone()
  }
  const outgoing = request(
    url,
    {
      method: 'POST',
      agent: index % freshEvery === 0 ? false : kept,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      signal: AbortSignal.timeout(answerMs),
    },
    (incoming) => {
      let text = ''
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('error', (error) => done(() => tally.lostOne(error.message)))
      incoming.on('end', () => {
        const version = incoming.headers['beryl-version']
        const status = incoming.statusCode ?? 0
        const right = languageIn(text) === expected
        done(() => {
          if (typeof version !== 'string')
            tally.lostOne(`status ${status} of no version: ${text.slice(0, 120)}`)
          else tally.answered({ sentAt, answeredAt: wallNow(), version }, status, right)
        })
      })
    },
  )
  outgoing.on('error', (error) => done(() => tally.lostOne(error.message)))
  outgoing.end(body)
}

function wallNow(): number {
  return performance.timeOrigin + performance.now()
}

function languageIn(text: string): string | null {
  try {
    return (JSON.parse(text) as { language?: string }).language ?? null
  } catch {
    return null
  }
}

function report(): void {
  parentPort!.postMessage({ counts: tally.counts(), answers: null } satisfies TrafficMessage)
}

function finishIfDone(): void {
  if (!stopping || inFlight > 0) return
  clearInterval(reports)
  parentPort!.postMessage({
    counts: tally.counts(),
    answers: tally.answers,
  } satisfies TrafficMessage)
  kept.destroy()
  parentPort!.close()
}
