/** The demo's Beryl: a real one in a temporary directory, run through its public CLI. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { apiClient, reach } from '../../api/client.ts'
import type { ApiClient } from '../../api/client.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const program = join(root, 'bin', 'beryl.js')
/** Below node_modules Node takes no TypeScript: a package holds the example as JavaScript. */
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const upWithinMs = 30_000
const upPollMs = 20

/** A directory below examples/ with `beryl.yaml`, `server.ts` and `data/`. */
export type Example = {
  name: string
  /** Makes the models that the manifest names as `./models/…`. */
  makeModels: (into: string) => Promise<void>
}

export type Stage = {
  manifest: string
  data: string
  api: ApiClient
  running: { url: string; gateway: string; pid: number }
  /** Runs a command of the CLI to its end. */
  beryl(...args: string[]): Promise<{ code: number; out: string; err: string }>
  /** Ctrl-C on `beryl up`; nothing is left behind. */
  strike(): Promise<void>
  /** Leaves it running, and its directory where it is. */
  leave(): void
}

/**
 * Makes the models, writes a manifest of its own with free ports, and starts Beryl on it.
 *
 * @param striking told how to end all of it before anything is started: a Ctrl-C does not wait for a stage that is set
 */
export async function setStage(
  example: Example,
  striking: (strike: () => Promise<void>) => void,
): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-demo-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeUnlessKept)
  let kept = false
  function removeUnlessKept(): void {
    if (!kept) remove()
  }
  await example.makeModels(join(directory, 'models'))
  const manifest = join(directory, 'beryl.yaml')
  writeFileSync(manifest, ownManifest(examplePath(example.name)))
  const data = join(directory, 'data')
  /** Commands that still run. */
  const commands = new Set<ChildProcess>()
  const up = spawnUp(manifest, data, join(directory, 'up.log'))
  const strike = async () => {
    for (const command of commands) command.kill()
    await stopUp(up)
    remove()
  }
  striking(strike)
  await isUp(up, join(directory, 'up.log'))
  const running = JSON.parse(readFileSync(join(data, 'running.json'), 'utf8')) as Stage['running']
  return {
    manifest,
    data,
    api: apiClient(reach({ data })),
    running,
    beryl: (...args) => runCli([...args, '--data', data], commands),
    strike,
    leave: () => {
      kept = true
      up.unref()
    },
  }
}

/** How a person runs a command where this was run: in a checkout there is no `beryl` on the path. */
export const command = import.meta.url.endsWith('.ts') ? 'npm run beryl --' : 'beryl'

/** Ports that are free, and paths that stay right where this copy lies. */
function ownManifest(home: string): string {
  return readFileSync(join(home, 'beryl.yaml'), 'utf8')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:0')
    .replace('server.ts', JSON.stringify(join(home, `server.${extension}`)))
    .replaceAll(/\.\/data\/[\w.-]+/g, (path) => JSON.stringify(join(home, path)))
}

/** A file of an example, and what it exports. */
export async function exampleModule<Exports>(name: string, file: string): Promise<Exports> {
  return (await import(
    pathToFileURL(join(examplePath(name), `${file}.${extension}`)).href
  )) as Exports
}

export function examplePath(name: string, ...parts: string[]): string {
  return join(root, 'examples', name, ...parts)
}

/**
 * In a session of its own: a Ctrl-C on the demo is the demo's to handle, in order. What it says goes to a file: a pipe would
 * hold the demo back when Beryl is kept, and break under Beryl once the demo has gone.
 */
function spawnUp(manifest: string, data: string, log: string): ChildProcess {
  const output = openSync(log, 'a')
  const child = spawn(process.execPath, [program, 'up', '-f', manifest, '--data', data], {
    detached: true,
    stdio: ['ignore', output, output],
    env: ownEnvironment(),
  })
  closeSync(output)
  return child
}

async function isUp(up: ChildProcess, log: string): Promise<void> {
  const said = () => readFileSync(log, 'utf8')
  const until = performance.now() + upWithinMs
  while (!said().includes('Beryl is up')) {
    if (up.exitCode !== null || up.signalCode !== null)
      throw new Error(`\`beryl up\` ended with exit code ${up.exitCode}:\n${said()}`)
    if (performance.now() > until) {
      await stopUp(up)
      throw new Error(`\`beryl up\` was not ready within ${upWithinMs / 1000} s:\n${said()}`)
    }
    await new Promise((resolve) => setTimeout(resolve, upPollMs))
  }
}

async function stopUp(up: ChildProcess): Promise<void> {
  if (up.exitCode !== null || up.signalCode !== null) return
  const ended = new Promise((resolve) => up.once('exit', resolve))
  up.kill('SIGINT')
  await ended
}

async function runCli(
  args: readonly string[],
  running: Set<ChildProcess>,
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: ownEnvironment(),
  })
  running.add(child)
  let [out, err] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const code = await new Promise<number>((resolve) =>
    child.once('close', (status) => resolve(status ?? 1)),
  )
  running.delete(child)
  return { code, out, err }
}

/** `node` in the manifest is this Node, whatever the machine has. A person's own settings do not reach the demo. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const others = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('BERYL_')),
  )
  return { ...others, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` }
}
