/** Warms one replica: the first request alone, then window after window, until its latency is stable, it is broken, or time is over. */
import type { Asker } from '../ask.ts'
import { NoAnswer } from '../wire/exchange.ts'
import { short } from '../examination.ts'
import type { Protocol } from '../gate.ts'
import { eachOf } from '../pool.ts'
import type { Input } from '../inputs/input.ts'
import { heard } from '../reading.ts'
import { isStable, windowOf, windowSize } from './stable.ts'
import type { Window } from './stable.ts'
import type { Windows } from './windows.ts'

export type Heat = {
  address: string
  /** `stable` is the only good one; `broken` answers errors; `unsteady` was still changing when its time was over. */
  outcome: 'stable' | 'broken' | 'unsteady'
  /** Latency of the very first request; null where it was not answered. */
  coldMs: number | null
  /** Sent; the last ones perhaps cut when it was over. */
  requests: number
  errors: number
  late: number
  /** What the last error was. */
  why: string | null
  /** Median of the last window's streamed answers; null where none were. */
  firstTokenMs: number | null
  /** Of the longest requests: at first, and the last time. Null where none was answered. */
  longMs: { first: number; last: number } | null
  /** The last windows, oldest first. */
  windows: Window[]
}

/** A replica that answers errors to more than this in one window is not warming, it is broken. */
const errorsMax = 0.2
const windowsMax = 500
const windowsShown = 6
const whyMaxLength = 200

function note(heat: Heat, ms: number): void {
  heat.longMs = { first: heat.longMs?.first ?? ms, last: ms }
}

export async function heatUp(
  asker: Asker,
  address: string,
  {
    protocol,
    inputs,
    concurrency,
    withinS,
    signal,
    progress,
  }: {
    protocol: Protocol
    inputs: Windows
    concurrency: number
    /** The time limit of the first request: it may compile kernels for minutes. */
    withinS: number
    signal: AbortSignal
    progress: (requests: number) => void
  },
): Promise<Heat> {
  const heat: Heat = {
    address,
    outcome: 'unsteady',
    coldMs: null,
    requests: 0,
    errors: 0,
    late: 0,
    why: null,
    firstTokenMs: null,
    longMs: null,
    windows: [],
  }
  try {
    heat.coldMs = (await timed(heat, inputs(1, 0), withinS))?.ms ?? null
    for (let count = 1; count <= windowsMax && heat.outcome === 'unsteady'; count++) {
      const window = await oneWindow(heat, count)
      heat.windows = [...heat.windows, window].slice(-windowsShown)
      if (window.errors > errorsMax * windowSize) heat.outcome = 'broken'
      else if (isStable(heat.windows)) heat.outcome = 'stable'
      progress(heat.requests)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  // Some errors in every window never get stable; slowness alone is no error.
  if (heat.outcome === 'unsteady' && (heat.windows.at(-1)?.errors ?? heat.errors) > 0)
    heat.outcome = 'broken'
  return heat

  async function oneWindow(heat: Heat, count: number): Promise<Window> {
    const before = { errors: heat.errors, late: heat.late }
    const times: number[] = []
    const firstTokens: number[] = []
    const places = Array.from({ length: windowSize }, (_, place) => place)
    await eachOf(places, { concurrency, signal }, async (place) => {
      const answer = await timed(heat, inputs(count, place))
      if (answer === null) return
      if (place === windowSize - 1) note(heat, answer.ms)
      times.push(answer.ms)
      if (answer.firstTokenMs !== null) firstTokens.push(answer.firstTokenMs)
    })
    heat.firstTokenMs = windowOf(firstTokens, 0, 0).median
    return windowOf(times, heat.errors - before.errors, heat.late - before.late)
  }

  /** Null where there was no good answer; counts what happened. @throws the reason of an aborted signal */
  async function timed(
    heat: Heat,
    input: Input,
    timeoutS?: number,
  ): Promise<{ ms: number; firstTokenMs: number | null } | null> {
    heat.requests++
    try {
      const answered = await asker.ask(address, input.sent, timeoutS)
      const { wrong, firstTokenMs } = heard(protocol, answered, input)
      if (wrong === null) return { ms: answered.ms, firstTokenMs }
      heat.errors++
      heat.why = short(wrong, whyMaxLength)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      if (error.late) heat.late++
      else heat.errors++
      heat.why = short(error.message, whyMaxLength)
    }
    return null
  }
}
