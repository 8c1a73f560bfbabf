/**
 * A real MLServer (PyPI, the versions of `test/peers/mlserver/requirements.txt`) in a virtual environment of its own; `BERYL_MLSERVER`
 * names the program of one that is there already. It needs Python 3.11 or 3.12.
 */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from './beryl.ts'
import { freePorts } from './theirs.ts'

const run = promisify(execFile)
const runtime = fileURLToPath(new URL('../peers/mlserver/', import.meta.url))

/** How it is started, and where it will answer; `grpc`: HOST:PORT of its other door. */
export type MlServerAsked = {
  url: string
  grpc: string
  command: [string, ...string[]]
  env: Record<string, string>
}
export type MlServer = { url: string; grpc: string; end: () => Promise<void> }

/** @returns the program */
export async function installMlServer(directory: string): Promise<string> {
  const { BERYL_MLSERVER: given } = process.env
  if (given !== undefined) return given
  const python = await pythonFor()
  await run(python, ['-m', 'venv', directory])
  const wheels = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:']
  const listed = join(runtime, 'requirements.txt')
  await run(join(directory, 'bin', 'pip'), ['install', ...wheels, '-r', listed])
  return join(directory, 'bin', 'mlserver')
}

async function pythonFor(): Promise<string> {
  for (const python of ['python3.12', 'python3.11', 'python3']) {
    const asked = 'import sys; print(sys.version_info[:2] in ((3, 11), (3, 12)))'
    const said = await run(python, ['-c', asked]).catch(() => null)
    if (said?.stdout.trim() === 'True') return python
  }
  throw new Error('MLServer needs Python 3.11 or 3.12, with venv: none was found')
}

/**
 * Writes down what it will find; nothing is loaded when it starts.
 *
 * @param models name → directory of a model of examples/langid @param version that its metadata name
 */
export async function mlServerOf(
  program: string,
  directory: string,
  models: Readonly<Record<string, string>>,
  version = 'v1',
): Promise<MlServerAsked> {
  mkdirSync(directory, { recursive: true })
  const [http, grpc, metrics] = await freePorts(3)
  const write = (file: string, content: object) =>
    writeFileSync(join(directory, file), JSON.stringify(content))
  write('settings.json', {
    host: '127.0.0.1',
    http_port: http,
    grpc_port: grpc,
    metrics_port: metrics,
    parallel_workers: 0,
    load_models_at_startup: false,
    debug: false,
  })
  for (const [name, uri] of Object.entries(models)) {
    mkdirSync(join(directory, name), { recursive: true })
    const parameters = { uri, version }
    const settings = { name, implementation: 'langid.Langid', versions: [version], parameters }
    write(join(name, 'model-settings.json'), settings)
  }
  return {
    url: `http://127.0.0.1:${http}`,
    grpc: `127.0.0.1:${grpc}`,
    command: [program, 'start', directory],
    env: { PYTHONPATH: runtime, PYTHONDONTWRITEBYTECODE: '1' },
  }
}

/** By the test itself, as its owner would. */
export async function startMlServer(
  program: string,
  directory: string,
  models: Readonly<Record<string, string>>,
  version = 'v1',
): Promise<MlServer> {
  const { url, grpc, command, env: own } = await mlServerOf(program, directory, models, version)
  const log = join(directory, 'log')
  const out = openSync(log, 'w')
  const env = { ...process.env, ...own }
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', out, out], env })
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8').slice(-2000))
      const answer = await fetch(`${url}/v2/health/live`).catch(() => null)
      return answer?.status === 200
    },
    () => `MLServer to answer: ${readFileSync(log, 'utf8').slice(-500)}`,
  )
  return { url, grpc, end: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** Processes that were started with this argument. Linux. */
export function pidsWith(argument: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      return line.includes(argument) ? [Number(name)] : []
    } catch {
      return []
    }
  })
}
