/** The gateway's main thread: control socket, routes, workers, health. */
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { resolve } from 'node:path'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { asProblem, serveSocket } from '../ipc/serve.ts'
import { version } from '../ipc/version.ts'
import { log } from '../log.ts'
import { openExporter } from '../telemetry/exporter.ts'
import { endOf, readPair } from '../tls/pair.ts'
import { watchPair } from '../tls/watch-pair.ts'
import type { GatewayConfig } from './config.ts'
import { openAccessLog } from './access-log.ts'
import type { Cut, Forget, GatewayMetrics, GatewayState, OpenRequests } from './control.ts'
import type { PutTable, ServiceState, StoreBack, Tap } from './control.ts'
import { startCrew } from './crew.ts'
import { openSums } from './counts.ts'
import { openHealth } from './health.ts'
import { holdSockets } from './held-sockets.ts'
import { openLedger } from './ledger.ts'
import type { WorkerData } from './messages.ts'
import { readyPathOf } from './pooled.ts'
import { requestKey } from './request-id.ts'
import { loadRoutes } from './routes-file.ts'
import { inFlightOf, makeShared, openShared } from './shared.ts'
import { openSlots } from './slots.ts'
import { spanOf } from './spans.ts'
import { openSwitchboard } from './switchboard.ts'
import { openTapLine } from './tap-line.ts'

/** What is in flight when the gateway stops gets this long to end. */
const drainMs = 30_000
const workerEntry = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)
/** A worker that could not be replaced is tried again. */
const healAgainMs = 1000
/** Open requests that are listed. */
const openMax = 1000

export async function startGateway(
  config: GatewayConfig,
  { entry = workerEntry }: { entry?: URL } = {},
): Promise<{ stop(): Promise<void>; state(): GatewayState }> {
  const directory = dataDirectory(config.dataDirectory)
  const run = randomBytes(6).toString('base64url')
  const startedAt = Date.now()
  const buffers = makeShared(config.workers)
  const shared = openShared(buffers)
  const slots = openSlots(shared)
  const key = requestKey(directory.requestKey)
  const switchboard = openSwitchboard({
    shared,
    slots,
    file: directory.routes,
    saved: loadRoutes(directory.routes),
  })
  const ledger = openLedger(run, (isFull) => Atomics.store(shared.full, 0, isFull ? 1 : 0))
  const sums = openSums()
  const { accessLog = null } = config
  const access =
    accessLog === null
      ? null
      : openAccessLog({ ...accessLog, file: resolve(directory.root, accessLog.file) })
  const { telemetry = null } = config
  const exporter =
    telemetry === null
      ? null
      : openExporter(telemetry, {
          'service.name': 'beryl-gateway',
          'service.instance.id': run,
          'service.version': version,
        })
  const ejections = new Map<string, number>()
  const health = openHealth({
    shared,
    slots,
    aliveOf: ({ service, environment, model, tls }) => {
      const table = switchboard.services().get(service)?.table.environments[environment]
      if (table?.alive === undefined) return undefined
      return model === undefined
        ? { ...table.alive, speaks: table.speaks, tls: table.tls }
        : { ...table.alive, path: readyPathOf(model), tls }
    },
    ejected: ({ service, environment }) => raise(ejections, `${service} ${environment}`, 1),
  })
  /** By service: claims that died with their worker. */
  const lost = new Map<string, number>()
  /** Null: nothing is tapped any more. */
  const taps = new Map<string, Tap | null>()
  const tapLine = openTapLine(directory.socket('tap'))
  const pairs = config.tls?.map(readPair) ?? null
  // One for all workers: a client that comes back to another one need not begin anew.
  const ticketKeys = randomBytes(48)
  let { listen, preview } = config
  const held = await holdSockets(config, directory.socket('held'))

  const dataFor = async (index: number): Promise<WorkerData> => {
    const mine = await held.of(index)
    return { ...dataNow(index), ...listenOn(mine) }
  }
  const dataNow = (index: number): Omit<WorkerData, 'listen' | 'preview'> => ({
    index,
    run,
    shared: buffers,
    requestKey: key,
    headers: config.headers,
    accessShare: accessLog?.share ?? 0,
    traceShare: telemetry?.share ?? null,
    tls: pairs === null ? null : { pairs, ticketKeys },
    tables: switchboard.slotted(),
  })
  const crew = await startCrew({
    count: config.workers,
    entry,
    shared,
    dataFor,
    onReady: ({ port, previewPort }) => {
      // Where the system chose the port, the other workers share the first one's.
      listen = { ...listen, port }
      if (preview !== null && previewPort !== null) preview = { ...preview, port: previewPort }
      for (const [service, tap] of taps) crew.post({ kind: 'tap', service, tap })
    },
    onSeen: ({ batch }) => ledger.add(batch),
    onFailing: (slot) => health.failing(slot),
    onCounts: (counts) => sums.add(counts),
    onAccess: (lines) => access?.add(lines),
    onSpans: ({ spans, dropped }) => {
      exporter?.add(spans.map(spanOf))
      exporter?.drop(dropped)
    },
    onTapped: (batch) => tapLine.send(batch),
    onLost: (slot, count) => raise(lost, slots.serviceAt(slot) ?? '', count),
  })
  switchboard.employ(crew)
  crew.onVacancy(heal)

  const watching = (config.tls ?? []).map((files, index) =>
    watchPair(files, pairs![index]!, {
      changed: (next) => {
        pairs![index] = next
        crew.post({ kind: 'pairs', pairs: pairs! })
        log.info(
          { cert: files.cert, validTo: new Date(endOf(next)) },
          'clients are shown a new certificate',
        )
      },
      refused: (why) => log.error({ why }, 'the new certificate is of no use; the old one stays'),
    }),
  )
  for (const [index, pair] of (pairs ?? []).entries())
    if (endOf(pair) < Date.now())
      log.error(
        { cert: config.tls![index]!.cert, validTo: new Date(endOf(pair)) },
        'the certificate has ended: clients refuse it',
      )

  const socket = await serveSocket(controlApp(), directory.socket('gateway'))
  log.info({ run, listen, preview, workers: config.workers }, 'the gateway is ready')
  return {
    state,
    stop: async () => {
      await socket.close()
      for (const one of watching) one.close()
      await crew.stop(drainMs)
      held.close()
      health.close()
      tapLine.close()
      await access?.close()
      await exporter?.stop()
    },
  }

  function listenOn(
    mine: Awaited<ReturnType<typeof held.of>>,
  ): Pick<WorkerData, 'listen' | 'preview'> {
    const reusePort = config.workers > 1
    if (mine === null)
      return {
        listen: { ...listen, reusePort },
        preview: preview === null ? null : { ...preview, reusePort },
      }
    return {
      listen: { fds: mine.traffic },
      preview: preview === null ? null : { fds: mine.preview },
    }
  }

  function controlApp(): Hono {
    const app = asProblem(new Hono())
    app.get('/state', (context) => context.json(state()))
    app.get('/observations', (context) =>
      context.json(
        ledger.read(context.req.query('run') ?? '', Number(context.req.query('after') ?? 0)),
      ),
    )
    app.get('/metrics', (context) => context.json(metrics()))
    app.get('/services/:service/open', async (context) => {
      const open = await switchboard.open(context.req.param('service'))
      const first = open.toSorted((a, b) => b.ageMs - a.ageMs).slice(0, openMax)
      return context.json({ open: first, more: open.length - first.length } satisfies OpenRequests)
    })
    app.put('/services/:service/table', async (context) => {
      const asked = await context.req.json<PutTable>()
      if (asked.table?.service !== context.req.param('service'))
        throw new ProblemError({
          status: 400,
          code: 'wrong-service',
          title: 'the table is of another service',
        })
      return context.json(await switchboard.put(asked))
    })
    app.put('/services/:service/tap', async (context) => {
      setTap(context.req.param('service'), (await context.req.json<{ tap: Tap | null }>()).tap)
      return context.json(null)
    })
    app.post('/services/:service/back', async (context) => {
      const { generation } = await context.req.json<StoreBack>()
      return context.json(switchboard.back(context.req.param('service'), generation))
    })
    app.post('/services/:service/forget', async (context) => {
      const { environment, generation } = await context.req.json<Forget>()
      return context.json(
        await switchboard.forget(context.req.param('service'), environment, generation),
      )
    })
    app.post('/services/:service/cut', async (context) => {
      const { environment, because } = await context.req.json<Cut>()
      const cut = await switchboard.cut(context.req.param('service'), environment)
      if (cut.length > 0)
        log.warn(
          {
            service: context.req.param('service'),
            environment,
            because,
            cut: cut.map(({ requestId }) => requestId),
          },
          'cut what was still open',
        )
      return context.json({ cut })
    })
    return app
  }

  /** Until it is done: nobody accepts what comes to the sockets of a worker that is missing. */
  function heal(): void {
    switchboard.heal().catch((error: unknown) => {
      log.error({ error: (error as Error).message }, 'a worker could not be replaced')
      if (crew.size() > 0) return void setTimeout(heal, healAgainMs)
      log.error({}, 'no worker is left: this gateway ends, and its supervisor starts another')
      process.exit(1)
    })
  }

  function setTap(service: string, tap: Tap | null): void {
    if (!switchboard.services().has(service))
      throw new ProblemError({
        status: 404,
        code: 'no-such-service',
        title: `nothing of ${service} is routed here`,
      })
    taps.set(service, tap)
    tapLine.keep([...taps.values()].some((one) => one !== null))
    crew.post({ kind: 'tap', service, tap })
    log.info({ service, tap }, tap === null ? 'nothing is tapped any more' : 'exchanges are tapped')
  }

  function state(): GatewayState {
    const services = Object.fromEntries(
      [...switchboard.services()].map(([name]) => [name, serviceState(name)]),
    )
    return {
      run,
      startedAt,
      listen,
      preview,
      secure: pairs !== null,
      workers: crew.size(),
      services,
    }
  }

  function metrics(): GatewayMetrics {
    const services = Object.fromEntries(
      [...switchboard.services().keys()].map((name) => {
        const { generation, inFlight, waiting, assigned, void: died } = serviceState(name)
        return [name, { generation, inFlight, waiting, assigned, void: died }]
      }),
    )
    return {
      run,
      workers: crew.size(),
      services,
      ejections: Object.fromEntries(ejections),
      taps: tapLine.counts(),
      accessDropped: access?.dropped() ?? 0,
      spans: exporter?.counts() ?? null,
      ...sums.read(),
    }
  }

  function serviceState(name: string): ServiceState {
    const { table, back } = switchboard.services().get(name)!
    const replicas = slots.of(name)
    return {
      generation: table.generation,
      live: table.live,
      back: back?.generation ?? null,
      backSplit: back?.split ?? null,
      table,
      tap: taps.get(name) ?? null,
      tapped: tapLine.tapped(name),
      inFlight: {
        blue: switchboard.inFlight(name, 'blue'),
        green: switchboard.inFlight(name, 'green'),
      },
      waiting: { blue: slots.waiting(name, 'blue'), green: slots.waiting(name, 'green') },
      replicas: Object.fromEntries(
        replicas.map(({ slot, key: { id } }) => [
          id,
          { healthy: Atomics.load(shared.ejected, slot) === 0, inFlight: inFlightOf(shared, slot) },
        ]),
      ),
      assigned: Atomics.load(shared.assigned, slots.service(name)) >>> 0,
      void: lost.get(name) ?? 0,
    }
  }
}

function raise(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}
