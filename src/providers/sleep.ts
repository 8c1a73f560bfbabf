/** Asks a model server to leave its accelerator, or to come back: calls and programs in order, all within a time limit. */
import { setTimeout as pause } from 'node:timers/promises'
import { requestTo } from '../probe/request-to.ts'
import { peerTrouble } from '../tls/peer.ts'
import type { Peer } from '../tls/peer.ts'
import type { Call, ReplicaRecord, ReplicaSeen, Sleep, Step } from './provider.ts'
import { runOnce } from './sleep-program.ts'

/** Failures in a row after which nobody believes that it will wake up. */
const wakesMax = 3
/** One that did not fall asleep, or wake up, is asked again after this. */
const againMs = 2000
/** What takes a while to go is looked for after this. */
const lookAgainMs = 50
/** Of what it says where it refuses, characters. */
const saidMax = 2048
const reasonMax = 200

type Which = Pick<ReplicaRecord, 'host' | 'port' | 'process'>

/** The replica whose sleep it is. */
type Sleeping = {
  sleep: Sleep | undefined
  tls?: Peer | undefined
  replica: () => Which
  /** What was waited for is over; that it ends or is let go of is still heard of. */
  begin: () => AbortSignal
  note: (asleep: boolean) => void
  set: (state: ReplicaSeen['state']) => void
  /** @returns null once it answers, else why it is given up */
  untilReady: (life: AbortSignal) => Promise<string | null>
  /** It answers, and is looked after again. */
  awake: (life: AbortSignal) => void
  lost: (because: string) => void
  warn: (text: string) => void
}

export type Sleeper = ReturnType<typeof sleeperOf>

export function sleeperOf({ sleep, tls, ...own }: Sleeping) {
  let againAt = 0
  let failed = 0
  let isAsked = false

  return {
    /** Nothing is routed to it any more. */
    down(state: ReplicaSeen['state']): void {
      if (state.name !== 'ready' || isAsked || performance.now() < againAt) return
      if (sleep === undefined)
        return own.set({ name: 'ready', because: 'nobody said how it sleeps: environment.sleep' })
      const life = own.begin()
      own.note(true)
      own.set({ name: 'asleep', because: 'it is falling asleep' })
      void ask('down', life, (trouble) => {
        if (trouble === null) return own.set({ name: 'asleep' })
        own.warn(`it does not fall asleep: ${trouble}`)
        own.note(false)
        own.awake(life)
        own.set({ name: 'ready', because: trouble })
      })
    },

    up(state: ReplicaSeen['state']): void {
      if (state.name !== 'asleep' || isAsked || performance.now() < againAt) return
      const life = own.begin()
      void ask('up', life, (trouble) => {
        if (trouble !== null) return didNotWake(trouble)
        failed = 0
        own.note(false)
        own.awake(life)
      })
    },

    /** It is another process now. */
    reset(): void {
      isAsked = false
      failed = 0
    },
  }

  async function ask(
    direction: 'down' | 'up',
    life: AbortSignal,
    then: (trouble: string | null) => void,
  ): Promise<void> {
    isAsked = true
    const { [direction]: steps, withinS } = sleep ?? { down: [], up: [], withinS: 1 }
    const asked = await takeEach({ ...own.replica(), tls }, steps, { withinS, signal: life })
    const mayCome = asked === null && direction === 'up' && !life.aborted
    const trouble = mayCome ? await own.untilReady(life) : asked
    if (life.aborted) return
    isAsked = false
    againAt = performance.now() + (trouble === null ? 0 : againMs)
    then(trouble)
  }

  function didNotWake(trouble: string): void {
    failed++
    own.warn(`it does not wake up (${failed} times): ${trouble}`)
    own.set({ name: 'asleep', because: trouble })
    if (failed < wakesMax) return
    failed = 0
    own.note(false)
    own.lost(`it did not wake up, ${wakesMax} times, the last: ${trouble}`)
  }
}

type Reached = Which & { tls?: Peer | undefined }

/** @returns null once each did what was asked, else what came instead */
export async function takeEach(
  replica: Reached,
  steps: readonly Step[],
  { withinS, signal }: Pick<Sleep, 'withinS'> & { signal: AbortSignal },
): Promise<string | null> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(withinS * 1000)])
  for (const step of steps) {
    const trouble = await take(step, replica, limit)
    if (trouble === null) continue
    const what = 'run' in step || step.until !== undefined ? 'not done' : 'no answer'
    return limit.aborted && !signal.aborted ? `${trouble}: ${what} within ${withinS} s` : trouble
  }
  return null
}

function take(step: Step, replica: Reached, signal: AbortSignal): Promise<string | null> {
  if ('run' in step) return runOnce(step, replica, signal)
  return step.until === undefined
    ? callOnce(replica, step, signal)
    : untilRefused(replica, step, signal)
}

async function callOnce(replica: Reached, call: Call, signal: AbortSignal): Promise<string | null> {
  const came = await answerTo(replica, call, signal)
  if (typeof came === 'string') return came
  const { status, said } = came
  return status >= 200 && status < 300
    ? null
    : `${call.method} ${call.path} answered ${status}${reasonIn(said)}`
}

async function untilRefused(
  replica: Reached,
  call: Call,
  signal: AbortSignal,
): Promise<string | null> {
  for (;;) {
    const came = await answerTo(replica, call, signal)
    if (typeof came === 'string') return came
    const { status } = came
    if (status >= 400 && status < 500) return null
    await pause(lookAgainMs, null, { signal }).catch(() => {})
    if (signal.aborted) return `${call.method} ${call.path} answers ${status} still`
  }
}

/** @returns why there was none, where there was none */
function answerTo(
  { host, port, tls }: Reached,
  { method, path, body = '' }: Call,
  signal: AbortSignal,
): Promise<{ status: number; said: string } | string> {
  const what = `${method} ${path}`
  return new Promise((resolve) => {
    const headers = {
      'user-agent': 'beryl',
      connection: 'close',
      'content-length': Buffer.byteLength(body),
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
    }
    const outgoing = requestTo({ host, port, tls, method, path, headers, signal }, (answer) => {
      const status = answer.statusCode ?? 0
      let said = ''
      answer.setEncoding('utf8')
      answer.on('error', (error) => resolve(`${what}: ${error.message}`))
      answer.on('data', (text: string) => {
        if (said.length < saidMax) said += text
      })
      // Whole: some servers say 200 first and end once they are done.
      answer.on('end', () => resolve({ status, said }))
    })
    outgoing.on('error', (error) => resolve(`${what}: ${peerTrouble(error)}`))
    outgoing.end(body)
  })
}

/** What servers of KServe V2, FastAPI and OpenAI's kind say where they refuse; nothing where it is no such answer. */
function reasonIn(said: string): string {
  type Said = { error?: string | { message?: string } | null; detail?: string } | null
  try {
    const { error, detail } = (JSON.parse(said) as Said) ?? {}
    const text: unknown = typeof error === 'object' ? error?.message : (error ?? detail)
    return typeof text === 'string' ? `: ${text.split('\n')[0]!.slice(0, reasonMax)}` : ''
  } catch {
    return ''
  }
}
