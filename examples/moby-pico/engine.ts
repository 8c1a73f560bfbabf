/**
 * Several answers at once on one thread: each in its turn takes a few tokens of its prompt, or writes one of its own, so that
 * a long prompt or a long answer holds nobody up. Between turns the event loop runs: requests come in and tokens go out.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { emptyCache, step } from './model.ts'
import type { Cache, Model } from './model.ts'
import { logProbabilityOf, randomOf, sample } from './sample.ts'
import type { Chosen } from './sample.ts'

export type Asked = {
  /** At least one token. */
  prompt: readonly number[]
  /** Tokens to write; fewer where the context is full. */
  most: number
  temperature: number
  seed: number
  /** The prompt's own log-probabilities are wanted. */
  scored: boolean
  /** Milliseconds between two tokens at least: a stream that nobody could read that fast need not be written that fast. */
  paceMs: number
  /** Answers whether it has had enough. */
  wrote: (chosen: Chosen) => boolean
  signal: AbortSignal
}

export type Written = {
  /** Of each token of the prompt given those before it; null for the first. */
  promptLogProbabilities: (number | null)[]
  why: 'length' | 'stop' | 'gone'
}

type Sequence = Asked & {
  cache: Cache
  random: () => number
  promptLogProbabilities: (number | null)[]
  written: number
  dueAt: number
  logits: Float32Array | null
  done: (why: Written['why']) => void
}

/** Each holds a cache of a megabyte or two. */
export const atOnceMax = 64
/** Tokens of a prompt in one turn: about the time that a few written tokens take. */
const promptTokensPerTurn = 8

export class TooBusy extends Error {
  override name = 'TooBusy'
}

export type Engine = { write(asked: Asked): Promise<Written>; readonly active: number }

export function engineOf(model: Model): Engine {
  const sequences: Sequence[] = []
  let running = false

  return {
    get active() {
      return sequences.length
    },
    /** @throws TooBusy */
    write(asked) {
      if (sequences.length >= atOnceMax)
        throw new TooBusy(`${atOnceMax} answers are being written already`)
      const { promise, resolve } = Promise.withResolvers<Written>()
      const sequence: Sequence = {
        ...asked,
        cache: emptyCache(model, asked.prompt.length + asked.most),
        random: randomOf(asked.seed),
        promptLogProbabilities: [null],
        written: 0,
        dueAt: 0,
        logits: null,
        done: (why) => {
          sequences.splice(sequences.indexOf(sequence), 1)
          resolve({ promptLogProbabilities: sequence.promptLogProbabilities, why })
        },
      }
      sequences.push(sequence)
      if (!running) void run()
      return promise
    },
  }

  async function run(): Promise<void> {
    running = true
    while (sequences.length > 0) {
      for (const sequence of sequences.slice()) {
        if (sequence.signal.aborted) sequence.done('gone')
        else if (sequence.dueAt <= performance.now()) turn(model, sequence)
        else continue
        await new Promise(setImmediate)
      }
      const dueInMs = Math.min(...sequences.map(({ dueAt }) => dueAt)) - performance.now()
      if (sequences.length > 0 && dueInMs > 0) await sleep(Math.min(dueInMs, idleMs))
    }
    running = false
  }
}

/** Whoever comes while all others wait for their pace begins after this at the latest. */
const idleMs = 5

function turn(model: Model, sequence: Sequence): void {
  const { prompt, cache } = sequence
  if (cache.length < prompt.length) return readPrompt(model, sequence)
  if (sequence.written >= sequence.most) return sequence.done('length')
  const chosen = sample(sequence.logits!, sequence.temperature, sequence.random)
  sequence.written++
  sequence.dueAt = Math.max(sequence.dueAt, performance.now() - sequence.paceMs) + sequence.paceMs
  if (sequence.wrote(chosen)) return sequence.done('stop')
  if (sequence.written >= sequence.most || cache.length >= model.context)
    return sequence.done('length')
  sequence.logits = step(model, cache, chosen.token).slice()
}

function readPrompt(model: Model, sequence: Sequence): void {
  const { prompt, cache, scored, promptLogProbabilities } = sequence
  const until = Math.min(prompt.length, cache.length + promptTokensPerTurn)
  while (cache.length < until) {
    const logits = step(model, cache, prompt[cache.length])
    const next = prompt[cache.length]
    if (scored && next !== undefined) promptLogProbabilities.push(logProbabilityOf(logits, next))
    if (next === undefined) sequence.logits = logits.slice()
  }
}
