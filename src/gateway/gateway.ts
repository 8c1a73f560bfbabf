/** The gateway's main thread: control socket, routes, workers, health. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { version } from '../ipc/version.ts'
import { log } from '../log.ts'
import { openExporter } from '../telemetry/exporter.ts'
import { endOf, readPair } from '../tls/pair.ts'
import { watchPair } from '../tls/watch-pair.ts'
import type { GatewayConfig } from './config.ts'
import { openAccessLog } from './access-log.ts'
import { controlApp } from './control-app.ts'
import type { Tap } from './control.ts'
import { startCrew } from './crew.ts'
import { openSums } from './counts.ts'
import { openHandOver } from './hand-over.ts'
import type { HandOver } from './hand-over.ts'
import { openHealth } from './health.ts'
import { holdSockets, SocketsGone } from './held-sockets.ts'
import { openLedger } from './ledger.ts'
import type { WorkerData } from './messages.ts'
import { readyPathOf } from './pooled.ts'
import { requestKey } from './request-id.ts'
import { loadRoutes } from './routes-file.ts'
import { makeShared, openShared } from './shared.ts'
import { openSlots } from './slots.ts'
import { spanOf } from './spans.ts'
import { openSwitchboard } from './switchboard.ts'
import { openTapLine } from './tap-line.ts'
import { viewsOf } from './views.ts'

/** What is in flight when the gateway stops gets this long to end. */
const drainMs = 30_000
const workerEntry = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
  import.meta.url,
)
/** A worker that could not be replaced is tried again. */
const healAgainMs = 1000

/** @param ended another gateway has taken over, and what was open here has ended: the process may end */
export async function startGateway(
  config: GatewayConfig,
  {
    entry = workerEntry,
    ended = () => {},
    handOverMs,
  }: { entry?: URL; ended?: () => void; handOverMs?: number } = {},
): Promise<{ stop(): Promise<void> }> {
  const directory = dataDirectory(config.dataDirectory)
  const run = randomBytes(6).toString('base64url')
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
  /** Workers listen only once another gateway has left. */
  let waits = config.takesOver === true

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
    waits,
    tls: pairs === null ? null : { pairs, ticketKeys },
    tables: switchboard.slotted(),
  })
  const crew = await startCrew({
    count: config.workers,
    entry,
    shared,
    dataFor,
    onReady: ({ port, previewPort }) => {
      for (const [service, tap] of taps) crew.post({ kind: 'tap', service, tap })
      // It does not listen yet, on sockets that are bound.
      if (port === 0) return
      // Where the system chose the port, the other workers share the first one's.
      listen = { ...listen, port }
      if (preview !== null && previewPort !== null) preview = { ...preview, port: previewPort }
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

  const views = viewsOf({
    config,
    run,
    shared,
    slots,
    switchboard,
    sums,
    taps,
    tapLine,
    access,
    exporter,
    ejections,
    lost,
    secure: pairs !== null,
    crew: () => crew,
    listen: () => ({ listen, preview }),
    leaving: () => ({ isListening: handOver.isListening(), leaving: handOver.leaving() }),
  })
  const control = { ...views, setTap, ledger, switchboard, handOver: () => handOver }
  const handOver: HandOver = openHandOver({
    directory,
    shared,
    crew,
    switchboard,
    held,
    limitMs: handOverMs,
    ended,
    apps: { front: controlApp('front', control), aside: controlApp('aside', control) },
    metrics: views.metrics,
    listen: () => {
      waits = false
      return switchboard.listen()
    },
    isHeardOut: () => ledger.isEmpty(),
  })
  await (config.takesOver === true ? handOver.takeOver() : handOver.serve())
  log.info({ run, listen, preview, workers: config.workers }, 'the gateway is ready')
  return {
    stop: async () => {
      await handOver.stop()
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

  /** Until it is done: nobody accepts what comes to the sockets of a worker that is missing. */
  function heal(): void {
    switchboard.heal().catch((error: unknown) => {
      log.error({ error: (error as Error).message }, 'a worker could not be replaced')
      if (!(error instanceof SocketsGone) && crew.size() > 0)
        return void setTimeout(heal, healAgainMs)
      log.error({}, 'this gateway ends, and its supervisor starts another')
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
    tapLine.tapped.by(service, tap)
    tapLine.keep([...taps.values()].some((one) => one !== null))
    crew.post({ kind: 'tap', service, tap })
    log.info({ service, tap }, tap === null ? 'nothing is tapped any more' : 'exchanges are tapped')
  }
}

function raise(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}
