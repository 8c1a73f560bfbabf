/** What model servers print: one file a replica, bounded, written by the server itself through an append-only descriptor. */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  copyFileSync,
} from 'node:fs'
import { join } from 'node:path'

const fileMaxBytes = 10 * 1024 * 1024
const tailBytes = 64 * 1024
/** Logs of replicas that are gone: enough to look back at the last releases. */
const keptFiles = 40

export type LogFiles = ReturnType<typeof logFilesIn>

export function logFilesIn(directory: string) {
  const file = (id: string) => join(directory, `${id}.log`)
  return {
    /** Falls back to nowhere: a full disk must not keep a model server from starting. */
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
    /** The writer appends, so its file can be copied away and cut without it noticing. */
    rotate(id: string): void {
      try {
        if (statSync(file(id)).size <= fileMaxBytes) return
        copyFileSync(file(id), `${file(id)}.1`)
        truncateSync(file(id), 0)
      } catch {
        // Nothing to rotate, or no room to do it: the log is a courtesy.
      }
    },
    lastLines(id: string, count: number): string[] {
      try {
        const descriptor = openSync(file(id), 'r')
        try {
          const size = statSync(file(id)).size
          const buffer = Buffer.alloc(Math.min(size, tailBytes))
          readSync(descriptor, buffer, 0, buffer.length, size - buffer.length)
          return buffer
            .toString('utf8')
            .trimEnd()
            .split('\n')
            .slice(-count)
            .filter((line) => line !== '')
        } finally {
          closeSync(descriptor)
        }
      } catch {
        return []
      }
    },
    /** Removes the oldest logs of replicas that are gone. */
    tidy(running: ReadonlySet<string>): void {
      try {
        const old = readdirSync(directory)
          .filter((name) => !running.has(name.replace(/\.log(\.1)?$/, '')))
          .map((name) => ({
            path: join(directory, name),
            at: statSync(join(directory, name)).mtimeMs,
          }))
          .toSorted((a, b) => b.at - a.at)
        for (const { path } of old.slice(keptFiles)) rmSync(path, { force: true })
      } catch {
        // The next replica that ends tries again.
      }
    },
  }
}
