/** The load, and the model servers: processes of their own, so that the proxies' CPU is theirs alone. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

type Load = { done: number; errors: number; ms: number; p50: number; p99: number }

export async function load(what: object): Promise<Load> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(`./${'messages' in what ? 'load-grpc' : 'load'}.ts`, import.meta.url))],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  // A body of 256 KB is too long for an argument.
  child.stdin.end(JSON.stringify(what))
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await new Promise((resolve) => child.once('close', resolve))
  const result = JSON.parse(said) as Load & { why: string | null }
  if (result.errors > 0 || result.why !== null)
    throw new Error(`the load did not go through: ${said}`)
  return result
}

/** @param waits ms before each answer */
export async function model(
  waits = 0,
  file = 'upstream.ts',
): Promise<{ port: number; stop(): void }> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(`./${file}`, import.meta.url)), '0', String(waits)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  process.on('exit', () => child.kill())
  const port = await new Promise<number>((resolve) =>
    child.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  )
  return { port, stop: () => child.kill() }
}
