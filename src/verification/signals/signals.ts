/**
 * The guard's signals, taken from live answers that the gateway hands on: what each says is kept until the controller has
 * counted it. Off the live path; what there is no room for is dropped and counted, and is void for the guard (rulings §6).
 */
import { randomUUID } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Dropped, Tapped } from '../../ipc/exchanges.ts'
import { log } from '../../log.ts'
import { headerOf, headersIn } from '../capture/headers.ts'
import { decoded } from '../capture/decode.ts'
import { isGrpc } from '../../protocols/grpc/framing.ts'
import { isKnown } from '../../protocols/grpc/messages.ts'
import { pathOf } from '../../protocols/protocol.ts'
import { inPlainWords } from '../grpc/tapped.ts'
import { Inbox } from '../pairs/inbox.ts'
import type { TapListener } from '../tap/hear.ts'
import { judgeOf } from './judges.ts'
import type { SignalJudge } from './judges.ts'
import { arrivedIn, saidBy } from './said.ts'
import type { SignalSettings, SignalValue } from './signal.ts'
import { openVerdictLedger } from './verdict-ledger.ts'

/** Answers that wait for their turn; more are dropped. */
const waitingMax = { items: 4096, bytes: 32 * 1024 * 1024 }
/** Beryl's other work in this process gets its turn after so many. */
const breatheEvery = 16

type Judges = {
  settings: SignalSettings
  /** Null: it could not be made, and says nothing of any answer. */
  judges: Promise<ReadonlyMap<string, SignalJudge | null>>
}

export type Signals = ReturnType<typeof openSignals>

export function openSignals() {
  const services = new Map<string, Judges>()
  const inbox = new Inbox<Tapped>(waitingMax)
  const ledger = openVerdictLedger(randomUUID())
  const dropped: Dropped = {}
  const working = work()
  const listener: TapListener = { exchange: arrive, copy: arrive, dropped: () => {} }

  return {
    listener,
    /** From here on: services that are not named are not judged. What stays as it is goes on. */
    configure(wanted: Readonly<Record<string, SignalSettings>>): void {
      for (const [service, { settings, judges }] of services) {
        if (Object.hasOwn(wanted, service) && wanted[service]!.id === settings.id) continue
        services.delete(service)
        void closeAll(judges)
      }
      for (const [service, settings] of Object.entries(wanted))
        if (!services.has(service)) services.set(service, { settings, judges: judgesOf(settings) })
    },
    verdicts: (run: string, after: number) => ledger.read(run, after),
    /** Since this examiner started, by `service reason`. */
    dropped: (): Dropped => ({ ...dropped }),
    async close(): Promise<void> {
      inbox.end()
      await working
      for (const { judges } of services.values()) await closeAll(judges)
      services.clear()
    },
  }

  function arrive(one: Tapped): void {
    if (one.judged === undefined || !services.has(one.service)) return
    if (inbox.put(one, one.request.length + one.answer.length)) return
    const key = `${one.service} behind`
    dropped[key] = (dropped[key] ?? 0) + 1
  }

  async function work(): Promise<void> {
    let done = 0
    for await (const one of inbox) {
      await judge(one).catch((error: unknown) =>
        log.error({ error: (error as Error).message }, 'an answer could not be judged'),
      )
      if (++done % breatheEvery === 0) await breathe()
    }
  }

  async function judge(one: Tapped): Promise<void> {
    const { service, release, at, judged, isCopy = false } = one
    const known = services.get(service)
    if (known === undefined || judged === undefined) return
    const { run, seq, replica, share, client } = judged
    const values = await valuesOf(one, known)
    const key = { id: known.settings.id, service, release, run, seq, isCopy }
    ledger.add({ ...key, replica, share, client, at, values })
  }
}

/** Errors are a signal of their own; what a client asked wrongly is no answer of a version. */
async function valuesOf(
  one: Tapped,
  { settings, judges }: Judges,
): Promise<Record<string, SignalValue>> {
  const { status, target, answerLines, answer, judged, pieces } = inPlainWords(one)
  if (status < 200 || status > 299) return {}
  const headers = headersIn(answerLines)
  // Messages that nobody here knows say nothing, good or bad.
  if (isGrpc(headerOf(headers, 'content-type')) && !isKnown(pathOf({ target }))) return {}
  const plain = decoded(answer, headerOf(headers, 'content-encoding')) ?? answer
  // When the pieces of a packed body came says nothing of what is in it.
  const isPacked = !plain.equals(answer)
  const arrived = isPacked ? [{ text: plain.toString(), ms: 0 }] : arrivedIn(plain, pieces)
  const said = saidBy(arrived, headerOf(headers, 'content-type'), settings.protocol, target)
  const known = isPacked ? { ...said, times: null } : said
  const values: Record<string, SignalValue> = {}
  for (const [name, judge] of await judges) {
    const value = judge === null ? null : await judge.value(known, judged!.seq)
    if (value !== undefined) values[name] = value
  }
  return values
}

async function judgesOf({
  signals,
}: SignalSettings): Promise<ReadonlyMap<string, SignalJudge | null>> {
  const made = Object.entries(signals).map(async ([name, spec]) => {
    const judge = await judgeOf(spec).catch((error: unknown) => {
      log.error({ signal: name, error: (error as Error).message }, 'a signal cannot be taken')
      return null
    })
    return [name, judge] as const
  })
  return new Map(await Promise.all(made))
}

async function closeAll(judges: Judges['judges']): Promise<void> {
  for (const judge of (await judges).values()) await judge?.close()
}
