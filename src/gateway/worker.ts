/** A worker thread: routes requests by the tables it was given and the one word that says which of them counts. */
import { parentPort, workerData } from 'node:worker_threads'
import { openAccessLines } from './access-lines.ts'
import { affinityKey, headerIn } from './affinity.ts'
import { Bag } from './bag.ts'
import { openBudget } from './budget.ts'
import { openClaims } from './claim.ts'
import type { Claim } from './claim.ts'
import type { OpenRequest } from './control.ts'
import { openCounter } from './counter.ts'
import { forward } from './forward.ts'
import type { Ended, Flight } from './forward.ts'
import type { FromWorker, ToWorker, WorkerData } from './messages.ts'
import { isHidden } from './hidden.ts'
import { openMirror } from './mirror.ts'
import { openNotebook } from './notebook.ts'
import type { Subject } from './notebook.ts'
import {
  bodyTooLarge,
  noCandidate,
  noLiveVersion,
  noReplica,
  noRoute,
  problemText,
  queueFull,
} from './problems.ts'
import type { Refusal } from './problems.ts'
import { openQueue } from './queue.ts'
import { signerOf } from './request-id.ts'
import type { Signer } from './request-id.ts'
import { rulesFor } from './rules.ts'
import { openShared, waitWhileHeld } from './shared.ts'
import { sideOf } from './split.ts'
import type { SlottedEnvironment, SlottedReplica, SlottedTable } from './slotted.ts'
import { openTables } from './tables.ts'
import { openTap } from './tap.ts'
import { openTracing } from './tracing.ts'
import { openUpstreams } from './upstreams.ts'
import { accept } from './wire/accept.ts'
import type { Acceptor, Exchange } from './wire/wire.ts'

const {
  index,
  run,
  shared: buffers,
  requestKey,
  headers,
  accessShare,
  traceShare,
  listen,
  preview,
  waits,
  tls,
  tables: first,
} = workerData as WorkerData
const shared = openShared(buffers)
const tables = openTables(shared, first)
const upstream = openUpstreams()
const claim = openClaims(shared, index)
const queue = openQueue(shared)
const budget = openBudget()
const notebook = openNotebook(
  (batch) =>
    parentPort!.postMessage({ kind: 'seen', batch } satisfies FromWorker, [
      batch.numbers.buffer as ArrayBuffer,
    ]),
  shared,
)
const counter = openCounter((counts) => tell({ kind: 'counts', counts }))
const access = openAccessLines(accessShare, (lines) => tell({ kind: 'access', lines }))
const tracing = openTracing(traceShare, (batch) => tell({ kind: 'spans', batch }))
const mirror = openMirror({
  upstream,
  count: counter.copy,
  hear: (flight, environment, replica) => tap.copy(flight, environment, replica),
  seen: (one) => note(one.flight.claim, one, 'copy', one),
})
const tap = openTap(run, (batch) =>
  parentPort!.postMessage({ kind: 'tapped', batch } satisfies FromWorker, [
    batch.frames.buffer as ArrayBuffer,
  ]),
)
const flights = new Bag<Flight>()
const signers = new WeakMap<SlottedEnvironment, Signer>()
const failuresMax = 3

const handlers = {
  upstream,
  headers,
  failed: countFailure,
  // Only where it changes something: each store takes the cache line away from the other workers.
  answered: (slot: number) => {
    if (Atomics.load(shared.failures, slot) !== 0) Atomics.store(shared.failures, slot, 0)
  },
  budget,
  mirror: (flight: Flight) => mirror.begin(flight),
  tap,
  tracing,
  wait: (flight: Flight) => queue.join(flight),
  ended: (flight: Flight, result: Ended) => {
    flights.delete(flight)
    if (flight.claim.waits) queue.leave(flight)
    if (flight.tapping !== null) tap.ended(flight, result)
    noteFlight(flight, result)
    counter.ended(flight, result)
    access.ended(flight, result)
    if (flight.trace !== null) tracing.ended(flight, flight.trace, result)
    if (leaving && flights.size === 0) tell({ kind: 'idle' })
  },
}
/** Deadlines are kept to this; it costs a walk over what is in flight. */
const clockMs = 250
/** Clients know that there is nothing more to begin: once nothing is open, this worker may end. */
let leaving = false
setInterval(() => {
  const now = performance.now()
  for (const flight of flights.all()) {
    flight.expire(now)
    noteOpen(flight, now)
  }
  mirror.expire(now)
}, clockMs).unref()

parentPort!.on('message', (message: ToWorker) => obey(message))
const doors = {
  tls,
  refused: ({ status }: { status: number }) => counter.unreadable(status),
}
let traffic: Acceptor | null = null
let previewing: Acceptor | null = null
tell({ kind: 'ready', ...(waits ? { port: 0, previewPort: null } : await open()) })

/** @returns where it listens */
async function open(): Promise<{ port: number; previewPort: number | null }> {
  traffic ??= await accept(listen, (exchange) => walk(exchange, 'live'), {}, doors)
  if (preview !== null)
    previewing ??= await accept(preview, (exchange) => walk(exchange, 'preview'), {}, doors)
  return { port: traffic.port, previewPort: previewing?.port ?? null }
}

/** The walk of a request: which service → which environment, chosen and counted in one step → there and back. */
function walk(exchange: Exchange, role: 'live' | 'preview'): void {
  waitWhileHeld(shared)
  const host = exchange.fields.host ?? ''
  const table = tables.find(host, exchange.target)
  if (table === null) return refuse(exchange, noRoute(host, exchange.target))
  const standing = table[role]
  if (standing === null)
    return refuse(
      exchange,
      role === 'live' ? noLiveVersion(table.service) : noCandidate(table.service),
    )
  const side =
    table.split === null || role === 'preview'
      ? null
      : sideOf(table.split, standing, exchange, Math.random)
  const environment = side === null ? standing : side.environment
  const drawn = side === null ? null : { share: table.split!.share, client: side.client }
  const { service, serviceSlot } = table
  const { hidden, affinity, retryShare } = table.rules
  if (isHidden(exchange.target, hidden)) return refuse(exchange, noRoute(host, exchange.target))
  const rules = rulesFor(table, exchange.target)
  const { bodyMaxBytes } = rules
  if (isTooLarge(exchange, bodyMaxBytes))
    return refuse(exchange, bodyTooLarge(service, bodyMaxBytes))
  const key = affinityKey(affinity, exchange.fields.lines)
  const observed = role === 'live'
  const claimed = claim({ table, environment, rules, observed, key, drawn })
  if (claimed === 'none') return refuse(exchange, noReplica(service))
  if (claimed === 'full') return refuse(exchange, queueFull(service))
  const { seq, at } = claimed
  claimed.noted = seq !== null && notebook.notes(service, serviceSlot, seq)
  budget.earn(service, retryShare)
  const requestId = signerFor(table, environment)(seq ?? 0, at, drawn?.client ?? 0)
  const flight = forward(exchange, claimed, requestId, handlers)
  if (flight.isOver) return
  flights.add(flight)
}

/** Said before the body is asked for, where its length is said. */
function isTooLarge({ body, fields }: Exchange, bodyMaxBytes: number | null): boolean {
  if (bodyMaxBytes === null || body !== 'length') return false
  return Number(headerIn('content-length', fields.lines)) > bodyMaxBytes
}

/** In the order of assignment it stands before all that came after it: they must not wait for hours. */
function noteOpen(flight: Flight, now: number): void {
  const sofar = flight.isNoted ? null : flight.soFar(now)
  if (sofar !== null) noteFlight(flight, sofar)
}

/** Once: what becomes of it after a minute is told by metrics and log. */
function noteFlight(flight: Flight, result: Ended): void {
  if (flight.isNoted) return
  flight.isNoted = true
  const { environment, replica } = flight.claim
  const where = { environment, replica, heard: flight.heard }
  note(flight.claim, where, flight.copied ? 'copied' : 'alone', result)
}

function note(
  { table, seq, at, noted, drawn }: Claim,
  where: {
    environment: SlottedEnvironment
    replica: SlottedReplica | null
    heard: boolean | undefined
  },
  which: 'alone' | 'copied' | 'copy',
  { outcome, status, firstByteMs, totalMs }: Ended,
): void {
  if (seq === null || !noted) return
  const { environment } = where
  const subject: Subject = {
    service: table.service,
    environment: environment.environment,
    version: environment.version,
    release: environment.release,
    replica: where.replica?.id ?? '',
    generation: table.generation,
  }
  if (which === 'copy') subject.isCopy = true
  if (which === 'copied') subject.copied = true
  if (where.heard !== undefined) subject.heard = where.heard
  if (drawn !== null) subject.share = drawn.share
  const client = drawn?.client ?? 0
  notebook.add(environment, subject, { seq, at, client, outcome, status, firstByteMs, totalMs })
}

function refuse(exchange: Exchange, { status, code, title, hint }: Refusal): void {
  counter.refused(code)
  const retry = status === 503 ? 'Retry-After: 1\r\n' : ''
  exchange.answer(
    status,
    `Content-Type: application/problem+json\r\n${retry}`,
    problemText(status, code, title, hint),
  )
}

/** Main hears of it at the third failure in a row, and decides; a success in between counts from zero. */
function countFailure(slot: number): void {
  if (
    Atomics.add(shared.failures, slot, 1) + 1 >= failuresMax &&
    Atomics.load(shared.ejected, slot) === 0
  )
    tell({ kind: 'failing', slot })
}

function signerFor(table: SlottedTable, environment: SlottedEnvironment): Signer {
  const known = signers.get(environment)
  if (known !== undefined) return known
  const signer = signerOf(Buffer.from(requestKey), run, table, environment)
  signers.set(environment, signer)
  return signer
}

function obey(message: ToWorker): void {
  switch (message.kind) {
    case 'prepare':
      tables.prepare(message.tables)
      return tell({ kind: 'done', id: message.id })
    case 'forget':
      tables.forget(message.service, message.environment)
      mirror.forget(message.service, message.environment)
      return tell({ kind: 'done', id: message.id })
    case 'cut':
      return tell({ kind: 'done', id: message.id, open: cut(message.service, message.environment) })
    case 'open':
      return tell({ kind: 'done', id: message.id, open: openOf(message.service).map(inWords) })
    case 'taken':
      return notebook.taken(message.count)
    case 'tap':
      return tap.set(message.service, message.tap)
    case 'tap-taken':
      return tap.taken(message.bytes)
    case 'pairs':
      traffic?.renew(message.pairs)
      return previewing?.renew(message.pairs)
    case 'listen':
      return void open().then(() => tell({ kind: 'done', id: message.id }))
    case 'flush':
      for (const one of [notebook, counter, access, tracing]) one.flush()
      return tell({ kind: 'done', id: message.id })
    case 'leave':
    case 'stop':
      return void leave(message.kind)
  }
}

async function leave(how: 'stop' | 'leave'): Promise<void> {
  await Promise.all([traffic?.[how](), previewing?.[how]()])
  leaving = true
  if (flights.size === 0) tell({ kind: 'idle' })
}

function cut(service: string, environment: string): OpenRequest[] {
  const there = openOf(service).filter(
    ({ claim: { environment: where } }) => where.environment === environment,
  )
  const told = there.map(inWords)
  for (const flight of there) flight.cut()
  return told
}

function openOf(service: string): Flight[] {
  return flights.all().filter((flight) => flight.claim.table.service === service)
}

function inWords({
  requestId,
  claim: { table, environment, at },
  bytesIn,
  bytesOut,
  exchange,
}: Flight): OpenRequest {
  return {
    requestId,
    environment: environment.environment,
    generation: table.generation,
    ageMs: Date.now() - at,
    bytesIn,
    bytesOut,
    kind: exchange.upgrade ? 'upgrade' : 'request',
  }
}

function tell(message: FromWorker): void {
  parentPort!.postMessage(message)
}
