/**
 * The files of one service's capture: appended to, never changed, each named by when it began and when all of it is to be
 * gone. A line carries its checksum, so that a write that was cut short costs that line and no other.
 */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { readLine } from './captured.ts'
import type { Captured } from './captured.ts'

/** A file is an eighth of all that may be kept, and not larger than this: old ones go as a whole. */
const segmentMaxBytes = 16 * 1024 * 1024
const parts = 8
/** A longer one is not kept: one read brings at least one. */
export const lineMaxBytes = 4 * 1024 * 1024
const readBytes = 2 * lineMaxBytes

export type Bounds = { keepS: number; atMostBytes: number }

/** `lines` is null where nobody has counted them yet. */
type Segment = {
  name: string
  beganAt: number
  expiresAt: number
  bytes: number
  lines: number | null
}

/** Where a reader stands: behind that byte of that file. */
export type Place = { segment: string; offset: number }

export type Segments = Awaited<ReturnType<typeof openSegments>>

/** @param now wall time, ms */
export async function openSegments(directory: string, now: () => number) {
  let segments = await found(directory)
  let current: { segment: Segment; handle: FileHandle } | null = null

  return {
    /** @param all whole lines, each ended @throws what the disk says; then nothing further goes into that file */
    async append(all: readonly string[], { keepS, atMostBytes }: Bounds): Promise<void> {
      const bytes = Buffer.from(all.join(''))
      await rotate(bytes.length, { keepS, atMostBytes })
      await dropUntil(atMostBytes - bytes.length)
      const { segment, handle } = (current ??= await begin(keepS))
      try {
        await handle.appendFile(bytes)
        segment.bytes += bytes.length
        segment.lines! += all.length
      } catch (error) {
        segment.bytes = await stat(join(directory, segment.name)).then(
          ({ size }) => size,
          () => segment.bytes,
        )
        await close()
        throw error
      }
    },

    /** Removes what is too old; with bounds that were narrowed, what is too much. */
    async prune(bounds: Bounds | null): Promise<void> {
      for (const segment of segments) {
        const ownEnd = bounds === null ? Infinity : segment.beganAt + bounds.keepS * 1000
        if (now() >= Math.min(segment.expiresAt, ownEnd)) await remove(segment)
      }
      if (bounds !== null) await dropUntil(bounds.atMostBytes)
    },

    async purge(): Promise<void> {
      for (const segment of segments) await remove(segment)
    },

    /** What stands behind a place, oldest first, and where to read on; null at the end. */
    async page(
      after: Place | null,
    ): Promise<{ records: Captured[]; damaged: number; next: Place | null }> {
      const alive = segments.filter(({ expiresAt }) => expiresAt > now())
      const at = after === null ? 0 : alive.findIndex(({ name }) => name >= after.segment)
      const segment = at === -1 ? undefined : alive[at]
      if (segment === undefined) return { records: [], damaged: 0, next: null }
      const offset = segment.name === after?.segment ? after.offset : 0
      const { lines, end } = await linesAt(join(directory, segment.name), offset)
      const further = alive[at + 1]
      const next =
        lines.length > 0
          ? { segment: segment.name, offset: end }
          : further === undefined
            ? null
            : { segment: further.name, offset: 0 }
      return { ...recordsIn(lines), next }
    },

    /** The newest ones, oldest of them first. */
    async newest(count: number): Promise<Captured[]> {
      let taken: Captured[] = []
      for (const segment of segments.toReversed()) {
        if (taken.length >= count || segment.expiresAt <= now()) break
        const inIt: Captured[] = []
        for (let offset = 0; ;) {
          const { lines, end } = await linesAt(join(directory, segment.name), offset)
          if (lines.length === 0) break
          inIt.push(...recordsIn(lines).records)
          offset = end
        }
        taken = [...inIt, ...taken]
      }
      return taken.slice(Math.max(0, taken.length - count))
    },

    /** How much there is. `oldest`: when the first file began, wall time, ms. */
    async size(): Promise<{ records: number; bytes: number; oldest: number | null }> {
      let records = 0
      for (const segment of segments) records += segment.lines ??= await countIn(segment.name)
      return { records, bytes: total(), oldest: segments[0]?.beganAt ?? null }
    },
    close,
  }

  /** Files end in time and in size, so that the oldest can go. */
  async function rotate(bytes: number, { keepS, atMostBytes }: Bounds): Promise<void> {
    if (current === null) return
    const { segment } = current
    const full = segment.bytes + bytes > Math.min(segmentMaxBytes, atMostBytes / parts)
    const old = now() - segment.beganAt > (keepS * 1000) / parts
    if (full || old) await close()
  }

  async function begin(keepS: number): Promise<{ segment: Segment; handle: FileHandle }> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    // One that began in the same millisecond has the name already.
    const beganAt = Math.max(now(), (segments.at(-1)?.beganAt ?? 0) + 1)
    const expiresAt = now() + keepS * 1000
    const name = `${String(beganAt).padStart(15, '0')}-${Math.ceil(expiresAt)}.log`
    const handle = await open(join(directory, name), 'ax', 0o600)
    const segment = { name, beganAt, expiresAt, bytes: 0, lines: 0 }
    segments.push(segment)
    return { segment, handle }
  }

  async function dropUntil(bytes: number): Promise<void> {
    while (total() > Math.max(0, bytes) && segments.length > 0) await remove(segments[0]!)
  }

  async function remove(segment: Segment): Promise<void> {
    if (current?.segment === segment) await close()
    await rm(join(directory, segment.name), { force: true })
    segments = segments.filter((one) => one !== segment)
  }

  async function close(): Promise<void> {
    const left = current
    current = null
    await left?.handle.close()
  }

  async function countIn(name: string): Promise<number> {
    let count = 0
    for (let offset = 0; ;) {
      const { lines, end } = await linesAt(join(directory, name), offset)
      if (lines.length === 0) return count
      count += lines.length
      offset = end
    }
  }

  function total(): number {
    return segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

async function found(directory: string): Promise<Segment[]> {
  const names = await readdir(directory).catch(() => [])
  const segments = names
    .toSorted((a, b) => (a < b ? -1 : 1))
    .flatMap((name) => {
      const [, beganAt, expiresAt] = /^(\d{15})-(\d+)\.log$/.exec(name) ?? []
      return beganAt === undefined
        ? []
        : [
            {
              name,
              beganAt: Number(beganAt),
              expiresAt: Number(expiresAt),
              bytes: 0,
              lines: null,
            },
          ]
    })
  for (const segment of segments)
    segment.bytes = await stat(join(directory, segment.name)).then(
      ({ size }) => size,
      () => 0,
    )
  return segments
}

/** Whole lines from a byte on: none at the end, and none while the last one is being written. */
async function linesAt(file: string, offset: number): Promise<{ lines: string[]; end: number }> {
  const handle = await open(file, 'r').catch(() => null)
  // Removed by now: it was too old.
  if (handle === null) return { lines: [], end: offset }
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(readBytes), 0, readBytes, offset)
    const last = buffer.subarray(0, bytesRead).lastIndexOf(10)
    // Nothing that was written here is so long: it is passed over.
    if (last === -1 && bytesRead === readBytes) return { lines: [''], end: offset + bytesRead }
    if (last === -1) return { lines: [], end: offset }
    return { lines: buffer.toString('utf8', 0, last).split('\n'), end: offset + last + 1 }
  } finally {
    await handle.close()
  }
}

function recordsIn(lines: readonly string[]): { records: Captured[]; damaged: number } {
  const records = lines.flatMap((line) => readLine(line) ?? [])
  return { records, damaged: lines.length - records.length }
}
