/**
 * A real MLServer (PyPI, the versions of `test/peers/mlserver/requirements.txt`) in a virtual environment of its own; `BERYL_MLSERVER`
 * names the program of one that is there already. It needs Python 3.11 or 3.12.
 */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from './beryl.ts'
import { freePorts } from './theirs.ts'

const run = promisify(execFile)
const runtime = fileURLToPath(new URL('../peers/mlserver/', import.meta.url))

/** `grpc`: HOST:PORT of its other door. */
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

/** Nothing is loaded when it starts. @param models name → directory of a model of examples/langid @param version that its metadata name */
export async function startMlServer(
  program: string,
  directory: string,
  models: Readonly<Record<string, string>>,
  version = 'v1',
): Promise<MlServer> {
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
  const log = join(directory, 'log')
  const out = openSync(log, 'w')
  const env = { ...process.env, PYTHONPATH: runtime, PYTHONDONTWRITEBYTECODE: '1' }
  const child = spawn(program, ['start', directory], { stdio: ['ignore', out, out], env })
  const url = `http://127.0.0.1:${http}`
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(readFileSync(log, 'utf8').slice(-2000))
      const answer = await fetch(`${url}/v2/health/live`).catch(() => null)
      return answer?.status === 200
    },
    () => `MLServer to answer: ${readFileSync(log, 'utf8').slice(-500)}`,
  )
  return { url, grpc: `127.0.0.1:${grpc}`, end: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}
