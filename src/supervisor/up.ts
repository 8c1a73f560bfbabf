/** `beryl up`: one supervisor of gateway, controller and examiner, in the foreground. */
import { mkdirSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { loadManifest } from '../config/load.ts'
import { ManifestError } from '../config/manifest-error.ts'
import type { Manifest } from '../config/manifest.ts'
import { gatewayClient } from '../gateway/client.ts'
import { settingsOf } from '../gateway/config.ts'
import { call } from '../ipc/call.ts'
import { cannotStart, dataDirectory } from '../ipc/data-directory.ts'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { readOrCreateToken } from '../ipc/token-file.ts'
import { writeAside } from '../ipc/write-aside.ts'
import { version } from '../ipc/version.ts'
import { openDatabase, prepareDirectory } from '../storage/database.ts'
import { takeLock } from '../storage/lock.ts'
import type { Lock } from '../storage/lock.ts'
import { bindAll, taken } from './bind-all.ts'
import type { BoundSockets } from './bind-all.ts'
import { askToStepAside, openControl, stepAsideMs } from './control.ts'
import { endLeaving, handOver, settleHandOver } from './hand-over.ts'
import type { HandedOver } from './hand-over.ts'
import { keepRunning } from './keep-running.ts'
import type { Kept } from './keep-running.ts'
import { lastLogLines } from './process.ts'
import { runningIn } from './running.ts'
import type { RunningBeryl } from './running.ts'
import { whyNotFree } from './why-not-free.ts'

export type UpOptions = {
  manifestPath: string
  dataDirectory: string
  /** Of another `beryl up` on the same data directory, which is asked to step aside; everything runs on. */
  takeOver?: boolean
  /** What happens, line by line. */
  print?: (line: string) => void
  /** Once it is up. */
  ready?: (running: RunningBeryl, manifest: Manifest) => void
}

const readyWithinMs = 30_000
const readyPollMs = 50
/** A process that ends so often before it is ready does not get ready: no use in waiting. */
const exitsMax = 3
/** Longer than the gateway's own drain limit. */
const gatewayStopMs = 40_000
const replicasStopMs = 120_000

/** @returns when everything has stopped @throws ManifestError, ProblemError: what could not be started, and why; nothing runs then */
export async function up({
  manifestPath,
  dataDirectory: root,
  takeOver = false,
  print = console.log,
  ready: isReady = () => {},
}: UpOptions): Promise<void> {
  const directory = dataDirectory(root)
  const { manifest, text, directory: home } = await loadManifest(manifestPath)
  if (takeOver) await askToStepAside(directory)
  const lock = await lockOf(directory, takeOver ? stepAsideMs : 0)
  try {
    openDatabase(directory.database).close()
    readOrCreateToken(directory.adminToken)
    await settleHandOver(directory)
    const bound = await bindAll(manifest, directory, home)
    await supervise({ manifestPath, manifest, text, home, directory, bound, print, isReady })
  } catch (error) {
    throw isToldAlready(error) ? error : cannot('cannot-start', (error as Error).message)
  } finally {
    lock.release()
  }
}

/** @param withinMs whoever holds it was asked to let go of it */
async function lockOf(directory: DataDirectory, withinMs: number): Promise<Lock> {
  const until = Date.now() + withinMs
  try {
    prepareDirectory(directory.root)
    for (;;) {
      const lock = takeLock(directory.lock('supervisor'))
      if (lock !== null) return lock
      if (Date.now() >= until) break
      await new Promise((resolve) => setTimeout(resolve, readyPollMs))
    }
  } catch (error) {
    throw cannot('cannot-start', (error as Error).message)
  }
  throw cannot(
    'already-running',
    `another \`beryl up\` runs on ${directory.root}: one writer per data directory`,
    `beryl up --take-over takes its place, and no connection is dropped; beryl status --data ${directory.root}; or start a second Beryl with a --data of its own`,
  )
}

function isToldAlready(error: unknown): boolean {
  return error instanceof ManifestError || error instanceof ProblemError
}

/** Conflicts with what is there: not the manifest's fault, so exit code 1. */
function cannot(code: string, title: string, hint?: string): ProblemError {
  return new ProblemError({ status: 409, code, title, ...(hint === undefined ? {} : { hint }) })
}

type Supervised = {
  manifestPath: string
  manifest: Manifest
  text: string
  /** What paths of the manifest are relative to. */
  home: string
  directory: DataDirectory
  bound: BoundSockets
  print: (line: string) => void
  isReady: (running: RunningBeryl, manifest: Manifest) => void
}

async function supervise({
  manifestPath,
  manifest,
  text,
  home,
  directory,
  bound: firstBound,
  print,
  isReady,
}: Supervised): Promise<void> {
  const signal = stopSignal()
  mkdirSync(directory.replicaLogs, { recursive: true, mode: 0o700 })
  let bound = firstBound
  let api = manifest.api.listen
  const tls = filesOf(manifest.api.tls, home)
  await stopOldController(directory)
  const why = await whyNotFree(api)
  if (why !== null) {
    bound.close()
    throw taken(api, 'api.listen', why)
  }
  writeAside(directory.manifest, text)
  const earlier = runningIn(directory)
  const gateway = keepRunning({
    role: 'gateway',
    directory,
    env: () => ({ BERYL_GATEWAY: JSON.stringify(bound.gatewayConfig) }),
    inherit: () => bound.descriptors,
  })
  const examiner = keepRunning({
    role: 'examiner',
    directory,
    env: () => ({ BERYL_EXAMINER: JSON.stringify({ dataDirectory: directory.root }) }),
    inherit: () => [],
  })
  if (earlier !== null && earlier.version !== version) examiner.renew()
  const controllerConfig = () =>
    JSON.stringify({ dataDirectory: directory.root, manifestPath, api: { ...api, tls } })
  const controller = keepRunning({
    role: 'controller',
    directory,
    env: () => ({ BERYL_CONTROLLER: controllerConfig() }),
    inherit: () => [],
  })
  const all = { gateway, examiner, controller }
  const asked = await openControl(directory, restartGateway)
  const stop = () => stopAll(all, directory, print)
  try {
    const url = await Promise.race([ready(directory, all), signal.first.then(() => null)])
    if (url !== null) {
      // A restarted controller answers where the first one did, even if the system chose the port.
      api = { host: new URL(url).hostname.replace(/^\[|\]$/g, ''), port: Number(new URL(url).port) }
      await renewGateway()
      isReady(await writeRunning(url), manifest)
    }
    const isAside = await Promise.race([
      signal.first.then(() => false),
      asked.aside.then(() => true),
    ])
    if (isAside) {
      for (const kept of [gateway, examiner, controller]) kept.release()
      await asked.close()
      print('Another `beryl up` has taken over; everything runs on.')
      return
    }
  } catch (error) {
    await asked.close()
    await stop()
    throw error
  }
  await asked.close()
  await stop()

  /** One that runs already, of an older Beryl or with other settings: it is replaced, and no connection is dropped. */
  async function renewGateway(): Promise<void> {
    const state = await gatewayClient(directory.socket('gateway')).state()
    if (state.version === version && state.settings === settingsOf(bound.gatewayConfig)) return
    await handOver(gateway, directory, bound).then(
      ({ from, to }) =>
        print(`The gateway was replaced (pid ${from} → ${to}); no connection was dropped.`),
      (error: unknown) =>
        print(`The gateway that runs goes on as it is: ${(error as Error).message}`),
    )
  }

  /** With the settings that the manifest has now under `gateway` and `telemetry`; nothing else of it counts. */
  async function restartGateway(): Promise<HandedOver> {
    const { manifest: now } = await loadManifest(manifestPath).catch((error: unknown) => {
      const { message } = error as Error
      throw isToldAlready(error) ? cannot('manifest', message, 'mend it, and ask again') : error
    })
    const next = await bindAll(now, directory, home)
    try {
      const handed = await handOver(gateway, directory, next)
      bound.close()
      bound = next
      const running = runningIn(directory)
      if (running !== null) await writeRunning(running.url)
      return handed
    } catch (error) {
      next.close()
      throw error
    }
  }

  async function writeRunning(url: string): Promise<RunningBeryl> {
    const { listen, preview, secure } = await gatewayClient(directory.socket('gateway')).state()
    const scheme = secure ? 'https' : 'http'
    const running: RunningBeryl = {
      url,
      gateway: `${scheme}://${host(listen)}`,
      preview: preview === null ? null : `${scheme}://${host(preview)}`,
      pid: process.pid,
      version,
      ...(tls === null ? {} : { cert: tls.cert }),
    }
    writeAside(directory.running, `${JSON.stringify(running, null, 2)}\n`)
    return running
  }
}

/** Ready means: the gateway answers, and the controller has told it of every service. @returns the API's address */
async function ready(
  directory: DataDirectory,
  kept: Record<'gateway' | 'controller', Kept>,
): Promise<string> {
  const until = Date.now() + readyWithinMs
  for (;;) {
    const gateway = await gatewayClient(directory.socket('gateway'))
      .state()
      .catch(() => null)
    const hello = await call<{ url: string; hasRouted: boolean }>(directory.socket('controller'), {
      method: 'GET',
      path: '/hello',
      timeoutMs: 2000,
    }).catch(() => null)
    if (gateway !== null && hello?.hasRouted === true) return hello.url
    const silent = gateway === null ? 'gateway' : 'controller'
    if (Date.now() > until || kept[silent].exits() >= exitsMax)
      throw notReady(directory, silent, kept[silent])
    await new Promise((resolve) => setTimeout(resolve, readyPollMs))
  }
}

function notReady(directory: DataDirectory, silent: 'gateway' | 'controller', kept: Kept): Error {
  const lines = lastLogLines(directory, silent, 10)
  const why = lines.findLast((line) => line.startsWith(cannotStart))
  if (why !== undefined) return cannot('cannot-start', why.slice(cannotStart.length))
  const how = kept.lastExit() ?? (kept.pid() === null ? 'it ended' : 'it runs, and does not answer')
  return cannot(
    'cannot-start',
    `the ${silent} did not get ready (${how}). The last lines of its log:\n${lines.join('\n')}`,
    `read ${directory.logs}/${silent}.log`,
  )
}

/** Traffic ends first, then the model servers, then who watched them. */
async function stopAll(
  { gateway, examiner, controller }: Record<'gateway' | 'examiner' | 'controller', Kept>,
  directory: DataDirectory,
  print: (line: string) => void,
): Promise<void> {
  print('Stopping: no new requests; those in flight may end …')
  await Promise.all([gateway.stop(gatewayStopMs), endLeaving(directory, gatewayStopMs)])
  print('Stopping the model servers …')
  await call(directory.socket('controller'), {
    method: 'POST',
    path: '/stop-replicas',
    timeoutMs: replicasStopMs,
  }).catch((error: unknown) => {
    print(`model servers may still run: ${(error as Error).message}`)
  })
  await Promise.all([controller.stop(10_000), examiner.stop(5000)])
  rmSync(directory.running, { force: true })
  print('Stopped.')
}

function filesOf(tls: Manifest['api']['tls'], home: string): { cert: string; key: string } | null {
  return tls === undefined ? null : { cert: resolve(home, tls.cert), key: resolve(home, tls.key) }
}

function stopSignal(): { first: Promise<void> } {
  const first = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => resolve())
  })
  return { first }
}

/** A controller left by a supervisor that died ends before its successor begins: it reads the manifest anew. */
async function stopOldController(directory: DataDirectory): Promise<void> {
  await call(directory.socket('controller'), {
    method: 'POST',
    path: '/exit',
    timeoutMs: 5000,
  }).catch(() => null)
  const until = Date.now() + 15_000
  for (;;) {
    const lock = takeLock(directory.lock('controller'))
    if (lock !== null) return lock.release()
    if (Date.now() > until)
      throw new Error(
        `an earlier controller still holds ${directory.lock('controller')}; find it with \`lsof\` and stop it`,
      )
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function host({ host: name, port }: { host: string; port: number }): string {
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
}
