/** Asks a version at one rate for a time, and measures what a client would have waited. */
import type { Asker } from '../ask.ts'
import type { Answered } from '../ask.ts'
import { short } from '../examination.ts'
import type { Protocol, Target } from '../gate.ts'
import type { Input } from '../inputs/input.ts'
import { heard } from '../reading.ts'
import { NoAnswer } from '../wire/exchange.ts'
import { arrive } from './arrivals.ts'
import { quantile } from './figures.ts'
import type { Figures, Limits } from './figures.ts'

export type Holding = {
  asker: Asker
  target: Target
  protocol: Protocol
  inputs: readonly Input[]
  limits: Limits
  signal: AbortSignal
  progress: (text: string) => void
}

/** A server with so many unanswered requests gets no more of them: those that were due have failed. */
export const unansweredMax = 1000
const kindsMax = 20
const kindsShown = 5
const errorMaxLength = 200
/** The examiner's own limits, not the candidate's. */
const ownErrors: readonly unknown[] = ['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS']

/** @throws Error where the examiner cannot send so much; the reason of `signal` once that is aborted */
export async function hold(
  { asker, target, protocol, inputs, limits, signal, progress }: Holding,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Figures> {
  const planned = Math.max(1, Math.round(perSecond * seconds))
  const latencies: number[] = []
  const firstTokens: number[] = []
  const lags: number[] = []
  const kinds = new Map<string, number>()
  const open = new Set<Promise<void>>()
  let [errors, slow] = [0, 0]
  let own: Error | null = null

  const sent = await arrive({ perSecond, count: planned, signal }, begin, isOver)
  await Promise.all(open)
  signal.throwIfAborted()
  if (own !== null) throw own
  const all = Float64Array.from(latencies).toSorted()
  const at = (share: number) => quantile(all, share)
  return {
    perSecond,
    planned,
    sent,
    errors,
    errorKinds: [...kinds]
      .map(([error, times]) => ({ error, times }))
      .toSorted((a, b) => b.times - a.times)
      .slice(0, kindsShown),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    maxMs: at(1),
    firstTokenP95Ms: quantile(Float64Array.from(firstTokens).toSorted(), 0.95),
    lagP95Ms: quantile(Float64Array.from(lags).toSorted(), 0.95) ?? 0,
  }

  function begin(index: number, dueAt: number): void {
    const lag = Math.max(0, performance.now() - dueAt)
    lags.push(lag)
    if (index % Math.ceil(perSecond) === 0)
      progress(`${index} of ${planned} requests at ${perSecond}/s`)
    if (open.size >= unansweredMax) return failed(`not sent: ${unansweredMax} are unanswered`)
    const input = inputs[index % inputs.length]!
    const address = target.addresses[index % target.addresses.length]!
    const asked: Promise<void> = asker
      .ask(address, input.sent)
      .then((answered) => take(answered, input, lag), notAnswered)
      .finally(() => open.delete(asked))
    open.add(asked)
  }

  function take(answered: Answered, input: Input, lag: number): void {
    const { wrong, firstTokenMs } = heard(protocol, answered, input)
    if (wrong !== null) return failed(wrong)
    const waited = lag + answered.ms
    latencies.push(waited)
    if (waited > limits.p95Ms) slow++
    if (firstTokenMs !== null) firstTokens.push(lag + firstTokenMs)
  }

  function notAnswered(error: unknown): void {
    if (signal.aborted) return
    const { code } = ((error as Error).cause ?? {}) as { code?: unknown }
    if (!(error instanceof NoAnswer)) own ??= error as Error
    else if (ownErrors.includes(code))
      own ??= new Error(`the examiner cannot open so many connections (${String(code)})`)
    failed((error as Error).message)
  }

  /** To whoever waited, no answer is the longest wait of all. */
  function failed(error: string): void {
    errors++
    latencies.push(Infinity)
    slow++
    const name = short(error, errorMaxLength)
    const kind = kinds.has(name) || kinds.size < kindsMax ? name : 'other errors'
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }

  /** What can only be missed from here on is not gone on with. */
  function isOver(): boolean {
    return own !== null || slow > 0.05 * planned || errors > limits.errors * planned
  }
}
