/** Model servers that the test itself starts, as their owner would: Beryl knows their addresses only. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { eventually } from './beryl.ts'

const program = fileURLToPath(new URL('../fixtures/model.js', import.meta.url))

export type Colour = 'blue' | 'green'
export type Theirs = Awaited<ReturnType<typeof theirServers>>

/** @param perPlace servers in each place; none runs before `put` */
export async function theirServers(perPlace = 2) {
  const directory = await mkdtemp(join(tmpdir(), 'beryl-theirs-'))
  const ports = await freePorts(perPlace * 2)
  const places = { blue: ports.slice(0, perPlace), green: ports.slice(perPlace) }
  const running = new Map<number, ChildProcess>()
  const url = (port: number) => `http://127.0.0.1:${port}`

  return {
    urls: (place: Colour) => places[place].map(url),
    /** Ends what ran in the place, and starts that version there. */
    put: async (place: Colour, version: string, model: object = {}) => {
      await Promise.all(places[place].map(end))
      const file = join(directory, `${version}.json`)
      await writeFile(file, JSON.stringify({ answer: version, ...model }))
      for (const port of places[place])
        running.set(port, spawn(process.execPath, [program, file, String(port)]))
      await eventually(
        async () => (await Promise.all(places[place].map(answers))).every((one) => one === version),
        () => `${version} to answer in ${place}`,
      )
    },
    pids: (place: Colour) => places[place].map((port) => running.get(port)?.pid),
    /** What answers at each address now. */
    versions: (place: Colour) => Promise.all(places[place].map(answers)),
    stop: async () => {
      await Promise.all([...running.keys()].map(end))
      await rm(directory, { recursive: true, force: true })
    },
  }

  async function end(port: number): Promise<void> {
    const child = running.get(port)
    running.delete(port)
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  async function answers(port: number): Promise<string | null> {
    try {
      const response = await fetch(`${url(port)}/version`, { headers: { connection: 'close' } })
      return ((await response.json()) as { version: string }).version
    } catch {
      return null
    }
  }
}

/**
 * Free now, and not given away meanwhile: below what systems hand out to whoever asks for port 0, or connects
 * (Linux from 32768, macOS from 49152). A port that was free a moment ago may else be another test's server.
 */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).once('listening', () => resolve(true))
    server.listen(port, '127.0.0.1')
  })
  await new Promise<unknown>((resolve) => server.close(resolve))
  return free
}
