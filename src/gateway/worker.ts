/** A worker thread: routes requests by the tables it was given and the one word that says which of them counts. */
import { parentPort, workerData } from 'node:worker_threads'
import { claim } from './claim.ts'
import type { Claim } from './claim.ts'
import type { OpenRequest } from './control.ts'
import { forward } from './forward.ts'
import type { Ended, Flight } from './forward.ts'
import type { FromWorker, ToWorker, WorkerData } from './messages.ts'
import { openNotebook } from './notebook.ts'
import { noCandidate, noLiveVersion, noReplica, noRoute, problemText } from './problems.ts'
import type { Refusal } from './problems.ts'
import { signerOf } from './request-id.ts'
import type { Signer } from './request-id.ts'
import { openShared } from './shared.ts'
import type { SlottedEnvironment, SlottedTable } from './slotted.ts'
import { openTables } from './tables.ts'
import { openUpstreams } from './upstreams.ts'
import { accept } from './wire/accept.ts'
import type { Exchange } from './wire/wire.ts'

const {
  index,
  run,
  shared: buffers,
  requestKey,
  headers,
  listen,
  preview,
  tls,
  tables: first,
} = workerData as WorkerData
const shared = openShared(buffers)
const tables = openTables(shared, first)
const upstream = openUpstreams()
const notebook = openNotebook((batch) =>
  parentPort!.postMessage({ kind: 'seen', batch } satisfies FromWorker, [
    batch.numbers.buffer as ArrayBuffer,
  ]),
)
const flights = new Set<Flight>()
const signers = new WeakMap<SlottedEnvironment, Signer>()
const failuresMax = 3

const handlers = {
  upstream,
  headers,
  failed: countFailure,
  answered: (slot: number) => void Atomics.store(shared.failures, slot, 0),
  ended: (flight: Flight, result: Ended) => {
    flights.delete(flight)
    note(flight.claim, result)
    if (leaving && flights.size === 0) tell({ kind: 'idle' })
  },
}
/** Deadlines are kept to this; it costs a walk over what is in flight. */
const clockMs = 250
/** Clients know that there is nothing more to begin: once nothing is open, this worker may end. */
let leaving = false
setInterval(() => {
  const now = performance.now()
  for (const flight of flights) flight.expire(now)
}, clockMs).unref()

parentPort!.on('message', (message: ToWorker) => obey(message))
const traffic = await accept(listen, (exchange) => walk(exchange, 'live'), {}, tls)
const previewing =
  preview === null ? null : await accept(preview, (exchange) => walk(exchange, 'preview'), {}, tls)
tell({ kind: 'ready', port: traffic.port, previewPort: previewing?.port ?? null })

/** The walk of a request: which service → which environment, chosen and counted in one step → there and back. */
function walk(exchange: Exchange, role: 'live' | 'preview'): void {
  const host = exchange.fields.host ?? ''
  const table = tables.find(host, exchange.target)
  if (table === null) return refuse(exchange, noRoute(host, exchange.target))
  const environment = table[role]
  if (environment === null)
    return refuse(
      exchange,
      role === 'live' ? noLiveVersion(table.service) : noCandidate(table.service),
    )
  const claimed = claim(shared, index, table, environment, role === 'live')
  if (claimed === null) return refuse(exchange, noReplica(table.service))
  const requestId = signerFor(table, environment)(claimed.seq ?? 0, claimed.at)
  flights.add(forward(exchange, claimed, requestId, handlers))
}

function note({ table, environment, replica, seq, at }: Claim, result: Ended): void {
  if (seq === null) return
  const { version, release } = environment
  const { service, generation } = table
  const subject = {
    service,
    environment: environment.environment,
    version,
    release,
    replica: replica.id,
    generation,
  }
  notebook.add(environment, subject, { seq, at, ...result })
}

function refuse(exchange: Exchange, { status, code, title, hint }: Refusal): void {
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
      return tell({ kind: 'done', id: message.id })
    case 'cut':
      return tell({ kind: 'done', id: message.id, open: cut(message.service, message.environment) })
    case 'taken':
      return notebook.taken(message.count)
    case 'pair':
      traffic.renew(message.pair)
      return previewing?.renew(message.pair)
    case 'stop':
      return void leave()
  }
}

async function leave(): Promise<void> {
  await Promise.all([traffic.stop(), previewing?.stop()])
  leaving = true
  if (flights.size === 0) tell({ kind: 'idle' })
}

function cut(service: string, environment: string): OpenRequest[] {
  const now = Date.now()
  return [...flights].flatMap((flight) => {
    const { table, environment: where, at } = flight.claim
    if (table.service !== service || where.environment !== environment) return []
    flight.cut()
    return [
      {
        requestId: flight.requestId,
        environment: where.environment,
        generation: table.generation,
        ageMs: now - at,
        kind: flight.exchange.upgrade ? ('upgrade' as const) : ('request' as const),
      },
    ]
  })
}

function tell(message: FromWorker): void {
  parentPort!.postMessage(message)
}
