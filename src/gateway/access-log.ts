/**
 * The access log, on request: a sample of the requests as JSON lines, written by main alone, so that lines never mix. Rotated by
 * size. Bounded: when the disk does not keep up, lines are dropped, and counted.
 */
import { mkdirSync, renameSync, statSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { log } from '../log.ts'

export type AccessLogConfig = { file: string; share: number; maxBytes: number; keep: number }

/** Lines that wait for the disk. */
const waitingMaxBytes = 4 * 1024 * 1024

export function openAccessLog({ file, maxBytes, keep }: AccessLogConfig) {
  let waiting = ''
  let writing: Promise<void> | null = null
  let dropped = 0
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  let size = sizeOf(file)

  return {
    /** @param lines each ended by a line feed */
    add(lines: string): void {
      if (waiting.length + lines.length > waitingMaxBytes) {
        dropped += lines.split('\n').length - 1
        return
      }
      waiting += lines
      writing ??= drain().finally(() => (writing = null))
    },
    dropped: () => dropped,
    close: async (): Promise<void> => writing ?? undefined,
  }

  async function drain(): Promise<void> {
    while (waiting !== '') {
      const lines = waiting
      waiting = ''
      try {
        if (size > 0 && size + lines.length > maxBytes) rotate()
        await appendFile(file, lines, { mode: 0o600 })
        size += Buffer.byteLength(lines)
      } catch (error) {
        dropped += lines.split('\n').length - 1
        log.error({ file, error: (error as Error).message }, 'the access log takes no writes')
      }
    }
  }

  /** access.log → access.log.1 → … → access.log.`keep`, which goes. */
  function rotate(): void {
    for (let number = keep - 1; number >= 1; number--)
      move(`${file}.${number}`, `${file}.${number + 1}`)
    move(file, `${file}.1`)
    size = 0
  }
}

function move(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch {
    return 0
  }
}
