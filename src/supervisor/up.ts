/** `beryl up`: one supervisor of gateway, controller and examiner, in the foreground. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { ManifestError, loadManifest } from '../config/load.ts'
import type { Manifest } from '../config/manifest.ts'
import { gatewayClient } from '../gateway/client.ts'
import { call } from '../ipc/call.ts'
import { dataDirectory } from '../ipc/data-directory.ts'
import type { DataDirectory } from '../ipc/data-directory.ts'
import { StorageError, openDatabase, prepareDirectory } from '../storage/database.ts'
import { takeLock } from '../storage/lock.ts'
import { bindAll } from './bind-all.ts'
import type { BoundSockets } from './bind-all.ts'
import { keepRunning, lastLogLines } from './keep-running.ts'
import type { Kept } from './keep-running.ts'

export type UpOptions = {
  manifestPath: string
  dataDirectory: string
  print?: (line: string) => void
}

const readyWithinMs = 30_000
/** Longer than the gateway's own drain limit. */
const gatewayStopMs = 40_000
const replicasStopMs = 120_000

/** @returns the exit code: 0 after a graceful stop, 1 when it could not start or run, 2 for a wrong manifest */
export async function up({
  manifestPath,
  dataDirectory: root,
  print = console.log,
}: UpOptions): Promise<number> {
  const problem = (line: string, code: number) => {
    console.error(line)
    return code
  }
  const directory = dataDirectory(root)
  let manifest: Manifest
  try {
    manifest = (await loadManifest(manifestPath)).manifest
    prepareDirectory(directory.root)
  } catch (error) {
    if (error instanceof ManifestError) return problem(error.message, 2)
    if (error instanceof StorageError) return problem(error.message, 1)
    throw error
  }
  const lock = takeLock(directory.lock('supervisor'))
  if (lock === null)
    return problem(
      `another \`beryl up\` runs on ${directory.root}: one writer per data directory. Use --data for a second Beryl.`,
      1,
    )
  try {
    openDatabase(directory.database).close()
    const bound = await bindAll(manifest, directory)
    return await supervise({ manifestPath, manifest, directory, bound, print })
  } catch (error) {
    return problem((error as Error).message, 1)
  } finally {
    lock.release()
  }
}

type Supervised = {
  manifestPath: string
  manifest: Manifest
  directory: DataDirectory
  bound: BoundSockets
  print: (line: string) => void
}

async function supervise({
  manifestPath,
  manifest,
  directory,
  bound,
  print,
}: Supervised): Promise<number> {
  const signal = stopSignal()
  mkdirSync(directory.replicaLogs, { recursive: true, mode: 0o700 })
  let api = manifest.api.listen
  await stopOldController(directory)
  if (!(await isFree(api))) {
    bound.close()
    throw new Error(
      `cannot listen on ${api.host}:${api.port} for the API: the port is in use. Change api.listen in ${manifestPath}, or stop what uses it.`,
    )
  }
  const gateway = keepRunning({
    role: 'gateway',
    directory,
    env: () => ({ BERYL_GATEWAY: JSON.stringify(bound.gatewayConfig) }),
    inherit: bound.descriptors,
  })
  const examiner = keepRunning({
    role: 'examiner',
    directory,
    env: () => ({ BERYL_EXAMINER: JSON.stringify({ dataDirectory: directory.root }) }),
    inherit: [],
  })
  const controllerConfig = () =>
    JSON.stringify({ dataDirectory: directory.root, manifestPath, api })
  const controller = keepRunning({
    role: 'controller',
    directory,
    env: () => ({ BERYL_CONTROLLER: controllerConfig() }),
    inherit: [],
  })
  const all = { gateway, examiner, controller }
  const stop = () => stopAll(all, directory, print)
  try {
    const url = await Promise.race([ready(directory, all), signal.first.then(() => null)])
    if (url !== null) {
      // A restarted controller answers where the first one did, even if the system chose the port.
      api = { host: new URL(url).hostname.replace(/^\[|\]$/g, ''), port: Number(new URL(url).port) }
      const { listen, preview } = await gatewayClient(directory.socket('gateway')).state()
      const running = {
        url,
        gateway: `http://${host(listen)}`,
        preview: preview === null ? null : `http://${host(preview)}`,
        pid: process.pid,
      }
      writeFileSync(directory.running, `${JSON.stringify(running, null, 2)}\n`)
      print(`Beryl is up. Traffic: ${running.gateway}   API: ${url}   data: ${directory.root}`)
      if (running.preview !== null) print(`Preview (the candidate answers): ${running.preview}`)
      print(`Services: ${Object.keys(manifest.services).join(', ')}`)
      print(
        `Next: beryl deploy ${Object.keys(manifest.services)[0]} ${Object.keys(Object.values(manifest.services)[0]!.versions)[0]} --wait --data ${directory.root}   (Ctrl-C stops everything, model servers too)`,
      )
    }
    await signal.first
  } catch (error) {
    await stop()
    throw error
  }
  await stop()
  return 0
}

/** Ready means: the gateway answers, and the controller says so itself. @returns the API's address */
async function ready(directory: DataDirectory, kept: Record<string, Kept>): Promise<string> {
  const until = Date.now() + readyWithinMs
  for (;;) {
    const gateway = await gatewayClient(directory.socket('gateway'))
      .state()
      .catch(() => null)
    const hello = await call<{ url: string }>(directory.socket('controller'), {
      method: 'GET',
      path: '/hello',
      timeoutMs: 2000,
    }).catch(() => null)
    if (gateway !== null && hello !== null) return hello.url
    if (Date.now() > until) {
      const silent = gateway === null ? 'gateway' : 'controller'
      const lines = lastLogLines(directory, silent, 10)
      throw new Error(
        `the ${silent} did not become ready within ${readyWithinMs / 1000} s (${kept[silent]?.lastExit() ?? 'it runs, and does not answer'}). Last lines of ${directory.logs}/${silent}.log:\n${lines.join('\n')}`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Traffic ends first, then the model servers, then who watched them. */
async function stopAll(
  { gateway, examiner, controller }: Record<'gateway' | 'examiner' | 'controller', Kept>,
  directory: DataDirectory,
  print: (line: string) => void,
): Promise<void> {
  print('Stopping: no new requests; those in flight may end …')
  await gateway.stop(gatewayStopMs)
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

function isFree({ host: name, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ host: name, port, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

function host({ host: name, port }: { host: string; port: number }): string {
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
}
