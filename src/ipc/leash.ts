/**
 * Starts a program of the user's in a process group of its own, on a leash: a small process leads the group, and kills it when
 * whoever started it is no more. Without it a check would go on for ever beside its next attempt after a `kill -9` of the examiner.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

export type Leashed = {
  stdout: Readable
  stderr: Readable
  /** To its stdin, where it takes input. */
  write: (text: string) => void
  /** How it ended; an error where it could not be started, null where the leash itself was killed. */
  ended: Promise<Ended | null>
  /** At once and as a whole; what is left of the group too. */
  kill: () => void
}

export type Ended = { code: number | null; signal: string | null } | { error: string }

/**
 * Plain JavaScript, so that it needs nothing but Node. What it starts comes by stdin, out of sight of `ps`; the end of stdin
 * is the end of whoever started it, whatever ended that.
 */
const leash = `
const { spawn } = require('node:child_process')
const { writeSync } = require('node:fs')
const over = (said) => { writeSync(3, JSON.stringify(said)); process.exit(0) }
const killAll = () => process.kill(-process.pid, 'SIGKILL')
let text = ''
let child = null
process.stdin.setEncoding('utf8').on('end', killAll).on('error', killAll).on('data', (more) => {
  if (child !== null) return child.stdin?.write(more)
  text += more
  const end = text.indexOf('\\n')
  if (end === -1) return
  const { run: [program, ...args], env, takesInput } = JSON.parse(text.slice(0, end))
  child = spawn(program, args, { env, stdio: [takesInput ? 'pipe' : 'ignore', 'inherit', 'inherit'] })
  child.stdin?.on('error', () => {})
  // What is asked may have come in the same piece.
  child.stdin?.write(text.slice(end + 1))
  child.on('error', ({ message }) => over({ error: message }))
  child.on('exit', (code, signal) => over({ code, signal }))
})
`

/** @throws Error where not even the leash can be started */
export async function onLeash({
  run,
  env,
  directory,
  takesInput = false,
}: {
  run: readonly string[]
  env: NodeJS.ProcessEnv
  directory: string
  takesInput?: boolean
}): Promise<Leashed> {
  const child = spawn(process.execPath, ['-e', leash], {
    cwd: directory,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  await once(child, 'spawn')
  const said: Buffer[] = []
  const words = child.stdio[3] as Readable
  words.on('data', (chunk: Buffer) => said.push(chunk))
  // It is read to its end: what was said last may come after the exit.
  const told = once(words, 'close')
  const ended = once(child, 'exit').then(async () => {
    await told
    const text = Buffer.concat(said).toString()
    return text === '' ? null : (JSON.parse(text) as Ended)
  })
  // It may be gone before it has heard what to do.
  child.stdin.on('error', () => {})
  child.stdin.write(`${JSON.stringify({ run, env, takesInput })}\n`)
  return {
    stdout: child.stdout,
    stderr: child.stderr,
    write: (text) => void child.stdin.write(text),
    ended,
    kill: () => killGroup(child.pid!),
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nobody is left in it.
  }
}
