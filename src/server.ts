/** The controller process: the one place where rooms are wired together. */
import { hostname, uptime, userInfo } from 'node:os'
import { Hono } from 'hono'
import { apiApp } from './api/app.ts'
import { adminToken, eitherOf } from './api/authenticate.ts'
import { listenApi } from './api/listen.ts'
import { sessionsBy } from './api/sessions.ts'
import { loadManifest } from './config/load.ts'
import { keepCaptures } from './controller/capture.ts'
import { budgetsOf } from './controller/ledger/budget.ts'
import { createController } from './controller/controller.ts'
import { openCurves } from './controller/curves/curves.ts'
import type { Track } from './controller/curves/track.ts'
import { crowdOf } from './controller/crowd.ts'
import { gatesOf } from './controller/gates/gates.ts'
import type { Hands } from './controller/make-it-so.ts'
import { operationsOf } from './controller/operate.ts'
import type { Plan } from './controller/plan.ts'
import { keepRecord } from './controller/record/record.ts'
import { openRegistry } from './controller/versions/registry.ts'
import { keepVersions } from './controller/record/retention.ts'
import { openRows } from './controller/rows.ts'
import { keepPoolServers } from './controller/pool-servers.ts'
import { keepRuns } from './controller/ledger/runs.ts'
import type { Times, Watch } from './controller/store.ts'
import { keepSignals } from './controller/watch/signals.ts'
import { stopReplicas } from './controller/stop-replicas.ts'
import { tapOf } from './controller/watch/tap.ts'
import { storedTokens } from './controller/tokens.ts'
import { openTraces } from './controller/record/traces.ts'
import { versionOperations } from './controller/versions/versions.ts'
import { watchingOf } from './controller/watch/watching.ts'
import { dashboard } from './dashboard/pages.ts'
import { gatewaysClient } from './gateway/gateways.ts'
import type { OpenRequest } from './gateway/control.ts'
import { requestKey } from './gateway/request-id.ts'
import { cannotStart, dataDirectory } from './ipc/data-directory.ts'
import { asProblem, serveSocket } from './ipc/serve.ts'
import { readOrCreateToken } from './ipc/token-file.ts'
import { version } from './ipc/version.ts'
import { prepareAside } from './ipc/write-aside.ts'
import { log } from './log.ts'
import { notifierOf } from './notifications/notifier.ts'
import { journalOf, providersByKind } from './providers/by-kind.ts'
import { externalProvider } from './providers/external/external-provider.ts'
import { poolProvider } from './providers/pool/pool-provider.ts'
import { processProvider } from './providers/process/process-provider.ts'
import type { ReplicaRecord } from './providers/provider.ts'
import { outOfMoney } from './release/budget.ts'
import type { Now, Service } from './release/release.ts'
import { takeLock } from './storage/lock.ts'
import { openStore } from './storage/store.ts'
import type { PairFiles } from './tls/pair.ts'
import { openExporter } from './telemetry/exporter.ts'
import { examinerClient } from './verification/client.ts'

type Config = {
  dataDirectory: string
  manifestPath: string
  api: { host: string; port: number; tls: PairFiles | null }
}

const config = JSON.parse(process.env['BERYL_CONTROLLER'] ?? 'null') as Config | null
if (config === null)
  throw new Error(
    'this is the controller of Beryl; `beryl up` starts it, with its configuration in BERYL_CONTROLLER',
  )

const directory = dataDirectory(config.dataDirectory)
const lock = takeLock(directory.lock('controller'))
if (lock === null) throw new Error(`another controller runs on ${directory.root}; this one ends`)

const now = (): Now => ({ wall: Date.now(), up: uptime() })
const store = openStore<Plan, ReplicaRecord, Watch, Times, Track>(directory.database)
// As `beryl up` checked it: somebody may be editing the file while this process starts again.
const loaded = await loadManifest(config.manifestPath, { copy: directory.manifest })
const registry = openRegistry({ loaded, store, now })
const rows = openRows(store)
reconcile()

const gateway = gatewaysClient(directory, recordCut)
const examiner = examinerClient(directory.socket('examiner'))
const provider = providersByKind({
  process: processProvider({
    journal: journalOf(store.replicas, 'process'),
    logDirectory: directory.replicaLogs,
    gpuSlots: gpuSlots(),
    log,
  }),
  external: externalProvider({ journal: journalOf(store.replicas, 'external'), log }),
  pool: poolProvider({ journal: journalOf(store.replicas, 'pool'), log }),
})
const runs = keepRuns({ store, now })
await provider.open()
const gates = gatesOf({ store, examiner, now })
const signals = keepSignals({
  examiner,
  registry,
  services: () =>
    rows.names().map((name) => ({ name, release: rows.find(name)?.release?.id ?? null })),
  store,
  now: () => now().wall,
})
const curves = openCurves({ store, rows, now })
const watching = watchingOf({ store, gateway, examiner, signals, curves, now })
const spentOf = budgetsOf({ store, budgetOf: registry.budgetOf, now })
const hands: Hands = {
  store,
  rows,
  gateway,
  provider,
  gates,
  routeOf: (name) => (rows.find(name)?.removing === undefined ? registry.routeOf(name) : null),
  rulesOf: (service) => registry.rulesOf(service),
  tapOf: (service, assigned) =>
    tapOf(service, { registry, store, every: signals.every(service.name, assigned) }),
  spentOf,
  crowdOf: (service) => {
    const atOnce = registry.atOnce()
    if (atOnce === null) return null
    const all = rows.names().map((name) => rows.find(name)!)
    const mayBegin = (other: Service) =>
      other.release === null || outOfMoney(other, other.release, { spent: spentOf(other) }) === null
    return crowdOf(all, service, { atOnce, mayBegin })
  },
  now,
}
const controller = createController({ ...hands, watching })

const { holderOf } = versionOperations({ store, registry, now, find: (name) => rows.find(name)! })
const retention = keepVersions({ store, registry, rows, now, holderOf })

const notifier = notifierOf({
  notifications: loaded.manifest.notifications,
  store,
  now: () => now().wall,
  releaseOf: (id) => store.services.release(id),
  source: `//${encodeURIComponent(hostname())}/beryl`,
  dashboard: () => loaded.manifest.api.url ?? api.url,
  directory: loaded.directory,
})

const bounds = {
  keepS: loaded.manifest.record.keep,
  atMostBytes: loaded.manifest.record.atMost,
}
const { telemetry } = loaded.manifest
const traces =
  telemetry === undefined
    ? null
    : openTraces({
        exporter: openExporter(telemetry, {
          'service.name': 'beryl-controller',
          'service.instance.id': hostname(),
          'service.version': version,
        }),
        store,
        releaseOf: (id) => store.services.release(id),
      })

let traffic = 'http://127.0.0.1'
const operations = operationsOf({
  ...hands,
  controller,
  watching,
  curves,
  registry,
  examiner,
  firstAdmin: userName(),
  notifications: notifier,
  bounds,
  dataDirectory: directory.root,
  requestKey: () => requestKey(directory.requestKey),
  versionsOf: registry.versionsOf,
  manifestPath: config.manifestPath,
  retain: retention.look,
  keep: (text) => prepareAside(directory.manifest, text),
  urlOf: (service) => registry.urlOf(service, traffic),
  notReady: () =>
    rows
      .names()
      .flatMap((name) =>
        controller.lastSeen(name)?.gateway === null ? [`${name}: the gateway does not answer`] : [],
      ),
})

const token = readOrCreateToken(directory.adminToken)
const app = apiApp(operations, {
  tokens: eitherOf(adminToken(token, userName()), storedTokens({ store, now })),
  sessions: sessionsBy(token),
  boundTo: config.api.host,
  answers: store.answers,
  pages: dashboard(),
})
const api = await listenApi(app, {
  ...config.api,
  said: { info: (text) => log.info(text), error: (text) => log.error(text) },
})

const socket = await serveSocket(controlApp(), directory.socket('controller'))
provider.changed(() => rows.walked().forEach((name) => controller.poke(name)))
controller.start()
const poolServers = keepPoolServers({ provider, wanted: registry.poolServers })
notifier.start()
const record = keepRecord({ store, rows, now, bounds })
const captures = keepCaptures({ examiner, registry, services: () => rows.names() })
void learnTraffic()
log.info({ url: api.url, data: directory.root }, 'the controller is ready')

process.once('SIGTERM', () => void exit())
process.once('SIGINT', () => void exit())

/** What the supervisor prints when this process does not start: one sentence, not a stack. */
function reconcile(): void {
  try {
    registry.reconcile(rows)
  } catch (error) {
    console.error(`${cannotStart}${(error as Error).message}`)
    process.exit(1)
  }
}

/** In a container the user id may have no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}

/** Of a gateway that left to another: what was open at its deadline. */
function recordCut(service: string, requests: readonly OpenRequest[]): void {
  store.events.add({
    at: now().wall,
    service,
    release: rows.find(service)?.release?.id ?? null,
    kind: 'routing',
    by: 'beryl',
    text: `cut ${requests.length} requests that were still open in a gateway that had handed over a minute ago`,
    data: { requests },
  })
}

/** For the supervisor only: the socket's file is readable by this user alone. */
function controlApp(): Hono {
  const app = asProblem(new Hono())
  app.get('/hello', (context) =>
    context.json({ url: api.url, pid: process.pid, hasRouted: controller.hasRouted() }),
  )
  app.post('/stop-replicas', async (context) => {
    await controller.stop()
    poolServers.stop()
    return context.json(await stopReplicas({ provider, store, now }))
  })
  app.post('/exit', (context) => {
    setImmediate(() => void exit())
    return context.json({ pid: process.pid })
  })
  return app
}

/** Model servers and traffic go on; whoever comes next continues from the journal. */
async function exit(): Promise<void> {
  api.close()
  captures.stop()
  poolServers.stop()
  record.stop()
  retention.stop()
  signals.stop()
  await socket.close()
  await controller.stop()
  await notifier.stop()
  await traces?.stop()
  await provider.close()
  curves.write()
  runs.stop()
  store.close()
  lock!.release()
  process.exit(0)
}

async function learnTraffic(): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const state = await gateway.state().catch(() => null)
    if (state !== null) {
      const { host, port } = state.listen
      traffic = `${state.secure ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** `BERYL_GPUS=0,1,2,3`: the slots that Beryl may hand out. Without it there are none. */
function gpuSlots(): number[] {
  const text = process.env['BERYL_GPUS'] ?? process.env['CUDA_VISIBLE_DEVICES'] ?? ''
  return text
    .split(',')
    .filter((part) => /^\d+$/.test(part.trim()))
    .map(Number)
}
