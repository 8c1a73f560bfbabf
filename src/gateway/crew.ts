/** The worker threads: started, told, waited for, and replaced. A worker joins only between changes (rulings §7). */
import { Worker } from 'node:worker_threads'
import { log } from '../log.ts'
import type { OpenRequest } from './control.ts'
import type { Counts } from './counts.ts'
import type { FromWorker, ToWorker, WorkerData } from './messages.ts'
import type { TapBatch } from './tap.ts'
import type { SpanBatch } from './tracing.ts'
import { replicaSlotsMax } from './shared.ts'
import type { Shared } from './shared.ts'

export type CrewOptions = {
  count: number
  /** The file that a worker runs. */
  entry: URL
  shared: Shared
  /** What a worker is told at its start, with every table that stands at that moment. */
  dataFor: (index: number) => Promise<WorkerData>
  onReady: (ports: Member['ports']) => void
  onSeen: (message: FromWorker & { kind: 'seen' }) => void
  onFailing: (slot: number) => void
  onCounts: (counts: Counts) => void
  onAccess: (lines: string) => void
  onSpans: (batch: SpanBatch) => void
  onTapped: (batch: TapBatch) => void
  /** Requests at one place that a dead worker took with it. */
  onLost: (slot: number, count: number) => void
}

export type Crew = Awaited<ReturnType<typeof startCrew>>

type Member = { worker: Worker; ports: { port: number; previewPort: number | null }; idle: boolean }
/** Without its number, which is given when it is sent. */
export type Order = ToWorker extends infer Message
  ? Message extends { id: number }
    ? Omit<Message, 'id'>
    : never
  : never

export class WorkersChanged extends Error {
  override name = 'WorkersChanged'
}

/** A worker that does not answer in this time is named and replaced while the change waits. */
const acknowledgeMs = 250
const readyMs = 10_000

export async function startCrew({
  count,
  entry,
  shared,
  dataFor,
  onReady,
  onSeen,
  onFailing,
  onCounts,
  onAccess,
  onSpans,
  onTapped,
  onLost,
}: CrewOptions) {
  const members: (Member | null)[] = Array.from({ length: count }, () => null)
  const waiting = new Map<
    number,
    { index: number; done: (open: readonly OpenRequest[]) => void; fail: (error: Error) => void }
  >()
  let nextId = 1
  let stopping = false
  /** Who dies now is not replaced: another gateway takes what comes. */
  let leaving = false
  let vacancy: (() => void) | null = null
  for (let index = 0; index < count; index++) await join(index)

  return {
    size: () => members.filter((member) => member !== null).length,

    /** Tells every worker and waits for every answer. @throws WorkersChanged when one was missing, died or was too late. */
    async tell(order: Order): Promise<OpenRequest[]> {
      if (!leaving && members.includes(null)) throw new WorkersChanged('a worker is being replaced')
      const answers = await Promise.all(
        members.flatMap((member, index) =>
          // One that leaves may be held: it is waited for, and never cuts what it has open.
          member === null ? [] : [ask(member, index, order, leaving ? 'leave' : 'replace')],
        ),
      )
      return answers.flat()
    },

    /** Asks every worker; one that is busy is left alone, and its part is missing. */
    async survey(order: Order): Promise<OpenRequest[]> {
      const present = members.flatMap((member, index) =>
        member === null ? [] : [{ member, index }],
      )
      const answers = await Promise.all(
        present.map(({ member, index }) => ask(member, index, order, 'leave').catch(() => [])),
      )
      return answers.flat()
    },

    /** Told without waiting: whoever joins later knows it from its start. */
    post(message: ToWorker): void {
      for (const member of members) member?.worker.postMessage(message)
    },

    /** Fills the places of workers that died. Call only while no change is open. */
    async complete(): Promise<void> {
      for (const [index, member] of members.entries())
        if (member === null && !leaving) await join(index)
    },

    /** Called when a place is empty. */
    onVacancy: (act: () => void) => (vacancy = act),

    /** @returns whether all that was open has ended in time */
    leave(limitMs: number): Promise<boolean> {
      leaving = true
      return idle('leave', limitMs)
    },

    async stop(limitMs: number): Promise<void> {
      stopping = true
      await idle('stop', limitMs)
      for (const member of members) await member?.worker.terminate()
    },
  }

  async function idle(kind: 'stop' | 'leave', limitMs: number): Promise<boolean> {
    const until = performance.now() + limitMs
    for (const member of members) {
      if (member === null) continue
      member.idle = false
      member.worker.postMessage({ kind } satisfies ToWorker)
    }
    const isBusy = () => members.some((member) => member !== null && !member.idle)
    while (performance.now() < until && isBusy())
      await new Promise((resolve) => setTimeout(resolve, 20))
    return !isBusy()
  }

  async function join(index: number): Promise<void> {
    const worker = new Worker(entry, { workerData: await dataFor(index) })
    const ports = await new Promise<Member['ports']>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`worker ${index} was not ready within ${readyMs / 1000} s`)),
        readyMs,
      )
      worker.once('error', reject)
      worker.on('message', (message: FromWorker) => {
        if (message.kind !== 'ready') return hear(index, message)
        clearTimeout(late)
        resolve({ port: message.port, previewPort: message.previewPort })
      })
    })
    worker.removeAllListeners('error')
    worker.on('error', (error) =>
      log.error({ worker: index, error: error.stack }, 'a gateway worker failed'),
    )
    worker.on('exit', (code) => leave(index, code))
    members[index] = { worker, ports, idle: true }
    onReady(ports)
  }

  function leave(index: number, code: number): void {
    members[index] = null
    const lost = clearRow(shared, index, stopping ? () => {} : onLost)
    if (stopping) return
    log.error({ worker: index, code, lost }, 'a gateway worker died; it is replaced')
    for (const [id, entryOf] of waiting) {
      if (entryOf.index !== index) continue
      waiting.delete(id)
      entryOf.fail(new WorkersChanged(`worker ${index} died`))
    }
    if (!leaving) vacancy?.()
  }

  function ask(
    { worker }: Member,
    index: number,
    order: Order,
    whenLate: 'replace' | 'leave',
  ): Promise<readonly OpenRequest[]> {
    const id = nextId++
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(id)
        reject(new WorkersChanged(`worker ${index} did not acknowledge within ${acknowledgeMs} ms`))
        if (whenLate === 'leave') return
        log.error(
          { worker: index, order: order.kind, limitMs: acknowledgeMs },
          'a gateway worker did not acknowledge in time; it is replaced',
        )
        void worker.terminate()
      }, acknowledgeMs)
      const done = (open: readonly OpenRequest[]) => {
        clearTimeout(late)
        resolve(open)
      }
      const fail = (error: Error) => {
        clearTimeout(late)
        reject(error)
      }
      waiting.set(id, { index, done, fail })
      worker.postMessage({ ...order, id })
    })
  }

  function hear(index: number, message: FromWorker): void {
    if (message.kind === 'seen') {
      onSeen(message)
      const taken: ToWorker = { kind: 'taken', count: message.batch.count }
      return members[index]?.worker.postMessage(taken)
    }
    if (message.kind === 'tapped') {
      onTapped(message.batch)
      const taken: ToWorker = { kind: 'tap-taken', bytes: message.batch.bytes }
      return members[index]?.worker.postMessage(taken)
    }
    if (message.kind === 'failing') return onFailing(message.slot)
    if (message.kind === 'counts') return onCounts(message.counts)
    if (message.kind === 'access') return onAccess(message.lines)
    if (message.kind === 'spans') return onSpans(message.batch)
    const member = members[index]
    if (message.kind === 'idle' && member) member.idle = true
    if (message.kind !== 'done') return
    waiting.get(message.id)?.done(message.open ?? [])
    waiting.delete(message.id)
  }
}

function clearRow(
  { inFlight }: Shared,
  worker: number,
  each: (slot: number, count: number) => void,
): number {
  let lost = 0
  for (let slot = 0; slot < replicaSlotsMax; slot++) {
    const count = Atomics.exchange(inFlight, worker * replicaSlotsMax + slot, 0)
    if (count > 0) each(slot, count)
    lost += count
  }
  return lost
}
