/** The captures of all services: redacted, then written; when that falls behind, exchanges are dropped and counted. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import type { Dropped, Tapped } from '../../ipc/exchanges.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { log } from '../../log.ts'
import { capturedOf, lineOf, readCaptured, redactedAgain } from './captured.ts'
import type { Captured } from './captured.ts'
import { redactorOf } from './redact.ts'
import type { Redactor, RedactRules } from './redact.ts'
import { lineMaxBytes, openSegments } from './segments.ts'
import type { Bounds, Place, Segments } from './segments.ts'

export type CaptureSettings = Bounds & {
  /** Of the exchanges that may be copied, between 0 and 1. */
  share: number
  redact: RedactRules
}

export type CaptureState = {
  /** Null: nothing is recorded for this service now. */
  settings: CaptureSettings | null
  records: number
  bytes: number
  oldest: number | null
  /** Since this examiner started, by reason. */
  dropped: Record<string, number>
  /** Without bodies, oldest first. */
  newest: readonly Pick<Captured, 'at' | 'version' | 'requestId'>[]
}

/** Heard and not written yet; more is dropped. */
const waitingMaxBytes = 32 * 1024 * 1024
const batchMax = 32
const pruneEveryMs = 30_000
const newestShown = 10

type Capture = {
  segments: Promise<Segments>
  settings: CaptureSettings | null
  redactor: Redactor | null
  dropped: Record<string, number>
  /** One act on its files after the other. */
  turn: Promise<unknown>
}

export type Captures = ReturnType<typeof openCaptures>

/** @param directory a directory for each service lies in it @param now wall time, ms */
export function openCaptures(directory: string, now: () => number = Date.now) {
  const captures = new Map<string, Capture>()
  let waiting: Tapped[] = []
  let waitingBytes = 0
  let writing: Promise<void> | null = null
  let diskSays: string | null = null
  // What is there from earlier grows old, whether its service is still recorded or not.
  const known = readdir(directory).then(
    (names) => names.forEach((name) => void captureOf(name)),
    () => {},
  )
  const clock = setInterval(() => void pruneAll(), pruneEveryMs)
  clock.unref()

  return {
    /** From here on: services that are not named are not recorded. */
    configure(settings: Readonly<Record<string, CaptureSettings>>): void {
      for (const [service, capture] of captures)
        if (!Object.hasOwn(settings, service)) Object.assign(capture, nothing)
      for (const [service, wanted] of Object.entries(settings)) {
        const capture = captureOf(service)
        if (JSON.stringify(capture.settings) === JSON.stringify(wanted)) continue
        capture.redactor = redactorOf(wanted.redact)
        capture.settings = wanted
      }
      void pruneAll()
    },

    exchange(one: Tapped): void {
      const capture = captures.get(one.service)
      if (capture?.settings == null || one.point >= capture.settings.share) return
      const bytes = sizeOf(one)
      if (waitingBytes + bytes > waitingMaxBytes) return drop(capture, 'behind')
      waiting.push(one)
      waitingBytes += bytes
      writing ??= write().finally(() => (writing = null))
    },

    dropped(counts: Dropped): void {
      for (const [key, count] of Object.entries(counts)) {
        const [service = '', reason = ''] = key.split(' ')
        const capture = captures.get(service)
        if (capture?.settings != null) drop(capture, reason, count)
      }
    },

    async state(service: string): Promise<CaptureState> {
      await known
      const capture = captureOf(service)
      const size = await inTurn(capture, (segments) => segments.size())
      const newest = await (await capture.segments).newest(newestShown)
      const shown = newest.map(({ at, version, requestId }) => ({ at, version, requestId }))
      return { settings: capture.settings, ...size, dropped: capture.dropped, newest: shown }
    },

    async page(service: string, after: Place | null) {
      return (await captureOf(service).segments).page(after)
    },

    async newest(service: string, count: number): Promise<Captured[]> {
      return (await captureOf(service).segments).newest(count)
    },

    /** All of them or none. @throws ProblemError `no-capture`, `wrong-record` naming the line */
    async take(service: string, records: readonly unknown[]): Promise<{ records: number }> {
      const capture = captureOf(service)
      const { settings, redactor } = capture
      if (settings === null || redactor === null) throw notRecorded(service)
      const lines = records.map((value, index) => {
        const read = readCaptured(value)
        if ('wrong' in read) throw wrongRecord(index, read.wrong)
        if (read.service !== service)
          throw wrongRecord(index, `it is of ${read.service}, not of ${service}`)
        const kept = redactedAgain(read, redactor)
        if (kept === null)
          throw wrongRecord(index, `capture.redact of ${service} cannot be followed in its bodies`)
        return lineOf(kept)
      })
      await inTurn(capture, (segments) => segments.append(lines, settings))
      return { records: lines.length }
    },

    async purge(service: string): Promise<{ records: number }> {
      await known
      return inTurn(captureOf(service), async (segments) => {
        const { records } = await segments.size()
        await segments.purge()
        return { records }
      })
    },

    /** Resolves once what was heard is written. */
    async settled(): Promise<void> {
      await writing
    },

    async close(): Promise<void> {
      clearInterval(clock)
      await writing
      for (const capture of captures.values()) await inTurn(capture, (segments) => segments.close())
    },
  }

  function captureOf(service: string): Capture {
    const found = captures.get(service)
    if (found !== undefined) return found
    // It becomes the name of a directory.
    if (!/^[a-z0-9-]{1,40}$/.test(service)) throw notRecorded(service)
    const segments = openSegments(join(directory, service), now)
    const capture: Capture = { segments, ...nothing, dropped: {}, turn: Promise.resolve() }
    captures.set(service, capture)
    return capture
  }

  function inTurn<Result>(
    capture: Capture,
    act: (segments: Segments) => Promise<Result>,
  ): Promise<Result> {
    const next = capture.turn.then(async () => act(await capture.segments))
    capture.turn = next.catch(() => undefined)
    return next
  }

  async function pruneAll(): Promise<void> {
    await known
    for (const [service, capture] of captures)
      await inTurn(capture, (segments) => segments.prune(capture.settings)).catch(
        (error: unknown) =>
          log.error(
            { service, error: (error as Error).message },
            'old records of a capture could not be removed; it is tried again',
          ),
      )
  }

  /** Between two records others get their turn: gates have answers to wait for. */
  async function write(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, batchMax)
      waiting = waiting.slice(batchMax)
      const lines = new Map<Capture, string[]>()
      for (const one of batch) {
        const capture = captures.get(one.service)!
        const line = lineFrom(one, capture)
        if (line !== null) lines.set(capture, [...(lines.get(capture) ?? []), line])
        waitingBytes -= sizeOf(one)
        await breathe()
      }
      for (const [capture, all] of lines) await append(capture, all)
    }
  }

  function lineFrom(one: Tapped, capture: Capture): string | null {
    // Turned off while it waited.
    if (capture.redactor === null) return null
    const captured = capturedOf(one, capture.redactor)
    const line = captured && lineOf(captured)
    if (line === null) drop(capture, 'cannot-be-redacted')
    else if (line.length <= lineMaxBytes / 3) return line
    else drop(capture, 'too-large')
    return null
  }

  async function append(capture: Capture, lines: readonly string[]): Promise<void> {
    const { settings } = capture
    if (settings === null) return
    try {
      await inTurn(capture, (segments) => segments.append(lines, settings))
      diskSays = null
    } catch (error) {
      drop(capture, 'disk', lines.length)
      const { message } = error as Error
      if (message !== diskSays) log.error({ error: message }, 'a capture could not be written')
      diskSays = message
    }
  }
}

const nothing = { settings: null, redactor: null }

function drop(capture: Capture, reason: string, count = 1): void {
  capture.dropped[reason] = (capture.dropped[reason] ?? 0) + count
}

function sizeOf({ request, answer, lines, answerLines }: Tapped): number {
  return request.length + answer.length + lines.length + answerLines.length
}

function notRecorded(service: string): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'no-capture',
    title: `nothing is recorded for ${service}: its rules and bounds are not known`,
    hint: `give services.${service}.capture in the manifest`,
  })
}

function wrongRecord(index: number, wrong: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'wrong-record',
    title: `record ${index + 1}: ${wrong}`,
    hint: 'nothing of it was imported: mend it and import it again',
  })
}
