/** What model servers print: one file a replica, bounded, written by the server itself through an append-only descriptor. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
} from 'node:fs'
import { stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

const fileMaxBytes = 10 * 1024 * 1024
const tailBytes = 64 * 1024
const lineMaxCharacters = 2000
/** Logs of replicas that are gone: enough to look back at a service's last releases. */
const keptPerService = 20

export type LogFiles = ReturnType<typeof logFilesIn>

/** Nothing here throws: a full disk costs lines, never a model server or a controller. */
export function logFilesIn(directory: string) {
  const file = (id: string) => join(directory, `${id}.log`)
  return {
    /** Falls back to nowhere: without a log a model server can still answer. */
    open(id: string): number | 'ignore' {
      try {
        mkdirSync(directory, { recursive: true, mode: 0o700 })
        return openSync(file(id), 'a', 0o600)
      } catch {
        return 'ignore'
      }
    },
    close(descriptor: number | 'ignore'): void {
      if (descriptor !== 'ignore') closeSync(descriptor)
    },
    /**
     * The writer appends, so its file can be copied away and cut without it noticing; what it prints between the two is
     * lost. It is cut even where the copy fails: a disk that is full is not made better by a log that grows on.
     */
    async rotate(id: string): Promise<void> {
      try {
        const { size } = await stat(file(id))
        if (size <= fileMaxBytes) return
        await copyEnd(file(id), `${file(id)}.1`, size).catch(() => {})
        await truncate(file(id))
      } catch {
        // It has not printed yet, or is gone; the next look tries again.
      }
    },
    /** Oldest first; reaches back into the rotated file where the present one has too few. */
    lastLines(id: string, count: number): string[] {
      const now = tail(file(id))
      const lines = now.length >= count ? now : [...tail(`${file(id)}.1`), ...now]
      return lines.slice(-count)
    },
    /** Removes the oldest logs of replicas that are gone. */
    tidy(running: ReadonlySet<string>): void {
      try {
        const gone = Object.groupBy(
          readdirSync(directory)
            .filter((name) => name.endsWith('.log') && !running.has(name.slice(0, -4)))
            .map((name) => ({ name, at: statSync(join(directory, name)).mtimeMs })),
          ({ name }) => serviceOf(name),
        )
        for (const logs of Object.values(gone))
          for (const { name } of (logs ?? [])
            .toSorted((a, b) => b.at - a.at)
            .slice(keptPerService)) {
            rmSync(join(directory, name), { force: true })
            rmSync(join(directory, `${name}.1`), { force: true })
          }
      } catch {
        // The next replica that ends tries again.
      }
    },
  }
}

async function copyEnd(from: string, to: string, size: number): Promise<void> {
  await pipeline(
    createReadStream(from, { start: Math.max(0, size - fileMaxBytes), end: size - 1 }),
    createWriteStream(to, { mode: 0o600 }),
  )
}

function tail(path: string): string[] {
  try {
    const descriptor = openSync(path, 'r')
    try {
      const { size } = fstatSync(descriptor)
      const buffer = Buffer.alloc(Math.min(size, tailBytes))
      const read = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
      return buffer
        .toString('utf8', 0, read)
        .split('\n')
        .map((line) => line.trimEnd().slice(0, lineMaxCharacters))
        .filter((line) => line !== '')
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return []
  }
}

/** Replica ids begin with `<service>-<blue|green>-`; service names may hold dashes too. */
function serviceOf(name: string): string {
  return /^(.+)-(?:blue|green)-/.exec(name)?.[1] ?? ''
}
