/** `beryl backup FILE`: a copy of all that is kept. What is there is never written over, and a torn copy is none. */
import { open, rename, rm, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { apiClient, reach } from '../../api/client.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

/** How an SQLite database begins (sqlite.org/fileformat.html §1.3.1). */
const begins = 'SQLite format 3\0'

export async function backup(globals: Globals, name: string): Promise<number> {
  const file = resolve(name)
  if ((await stat(file).catch(() => null)) !== null)
    throw refused('file-exists', `${file} is there already`, 'give a name that is free')
  const { bytes, body } = await apiClient(reach(globals)).backup()
  await take(file, bytes, body)
  say(
    globals.json,
    { file, bytes },
    `${file}: ${(bytes / 1024 ** 2).toFixed(1)} MiB, readable by you only (it holds hashes of tokens, no token)\nTo start on it: mkdir -m 700 DIR && cp ${file} DIR/beryl.db && beryl up --data DIR\nNext: keep it somewhere else than this machine`,
  )
  return exitCodes.done
}

async function take(file: string, bytes: number, body: AsyncIterable<Uint8Array>): Promise<void> {
  const part = `${file}.part`
  try {
    const out = await open(part, 'wx', 0o600)
    let written = 0
    let head = Buffer.alloc(0)
    try {
      for await (const chunk of body) {
        if (head.length < begins.length) head = Buffer.concat([head, chunk])
        await out.writeFile(chunk)
        written += chunk.length
      }
      await out.sync()
    } finally {
      await out.close()
    }
    if (written !== bytes || head.subarray(0, begins.length).toString('latin1') !== begins)
      throw new Error(`came ${written} bytes of ${bytes}`)
    await rename(part, file)
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code !== 'EEXIST') await rm(part, { force: true })
    throw refused(
      'backup-failed',
      `the backup could not be written to ${file}: ${code === 'EEXIST' ? `${part} is there` : message}`,
      code === 'EEXIST' ? `remove ${part}, if no other backup is being made` : 'beryl backup FILE',
      cause,
    )
  }
}

function refused(code: string, title: string, hint: string, cause?: unknown): ProblemError {
  return new ProblemError({ status: 409, code, title, hint }, { cause })
}
