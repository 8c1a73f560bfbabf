/**
 * The tap: what clients asked and what they were answered, as bytes, for the examiner (capture, shadow, signals of the guard).
 * Off the live path: an exchange is heard as it flows, handed on when it is whole, and dropped and counted where there is no room.
 * Bodies are never read here.
 */
import { framesOf } from '../ipc/exchanges.ts'
import type { Dropped, TappedText } from '../ipc/exchanges.ts'
import type { Tap } from './control.ts'
import { mayBeCopied, pointOf } from '../ipc/copyable.ts'
import type { Ended, Flight } from './forward.ts'
import type { Tapping } from './listeners.ts'
import type { CopyHearing } from './mirror.ts'
import type { SlottedEnvironment, SlottedReplica } from './slotted.ts'
import { without } from './wire/body-reader.ts'
import type { Bytes, Lines } from './wire/wire.ts'

/** Of the request's body and of the answer's: a larger exchange is not taken at all. */
export const tapMaxBytes = 256 * 1024
/** Heard, waiting to be handed on, or handed on and not taken yet, in this worker. */
const heldMaxBytes = 32 * 1024 * 1024
/** A stream of many small pieces: what comes beyond goes with the last one. */
const piecesMax = 4096
/** What an exchange costs beside its bodies. */
const headBytes = 4096
const batchBytes = 512 * 1024
const flushMs = 25

export type TapBatch = {
  frames: Uint8Array
  /** Exchanges in it, by service. */
  counts: Record<string, number>
  dropped: Dropped
  /** By service. */
  passed: Record<string, Passed>
  /** To be said when it was taken. */
  bytes: number
}

/** Requests that came by while there was a tap: all, and those of them that may be copied. */
export type Passed = { asked: number; allowed: number }

/** @param run of this gateway */
export function openTap(run: string, hand: (batch: TapBatch) => void) {
  /** By service. */
  const taps = new Map<string, { wanted: Tap; passed: Passed }>()
  const room: Room = { run, heldBytes: 0, drop }
  let whole: TappedText[] = []
  let wholeBytes = 0
  let dropped: Dropped = {}
  let timer: NodeJS.Timeout | null = null

  const tap = {
    isOn: false,
    set(service: string, wanted: Tap | null): void {
      if (wanted === null) taps.delete(service)
      else taps.set(service, { wanted, passed: { asked: 0, allowed: 0 } })
      tap.isOn = taps.size > 0
    },

    /** Called before anything of its body is heard. */
    begin(flight: Flight): void {
      const { table, seq } = flight.claim
      const here = taps.get(table.service)
      if (here === undefined || seq === null) return
      const { wanted, passed } = here
      passed.asked++
      if (!mayBeCopied(wanted, flight.exchange)) return
      passed.allowed++
      flight.judged = wanted.every !== undefined && seq % wanted.every === 0 && flight.claim.noted
      if (!flight.judged && pointOf(flight.requestId) >= wanted.share) return
      const { environment, replica } = flight.claim
      if (room.heldBytes < heldMaxBytes)
        return void (flight.tapping = new Hearing(room, flight, { environment, replica }))
      if (flight.judged) flight.heard = false
      drop(table.service, 'full')
    },

    /** What is copied is judged where its original is. */
    copy(
      flight: Flight,
      environment: SlottedEnvironment,
      replica: SlottedReplica,
    ): CopyHearing | null {
      if (!flight.judged) return null
      return new CopyHeard(new Hearing(room, flight, { environment, replica, isCopy: true }), keep)
    },

    ended(flight: Flight, result: Ended): void {
      const hearing = flight.tapping as Hearing
      flight.tapping = null
      keep(hearing, result)
      if (flight.judged) flight.heard = hearing.heard
    },

    /** Main has let go of so many bytes. */
    taken: (bytes: number) => void (room.heldBytes -= bytes),
  }
  return tap

  function keep(hearing: Hearing, result: Ended): void {
    const { outcome } = result
    // What is not whole says nothing about any version; the gateway's own words neither.
    if (outcome !== 'ok' && outcome !== 'error-status') return hearing.drop('not-whole')
    hearing.heard = true
    whole.push(hearing.toText(result))
    wholeBytes += hearing.bytes
    if (wholeBytes >= batchBytes) flush()
    else timer ??= setTimeout(flush, flushMs)
  }

  function drop(service: string, reason: string): void {
    const key = `${service} ${reason}`
    dropped[key] = (dropped[key] ?? 0) + 1
    timer ??= setTimeout(flush, flushMs)
  }

  function flush(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const counts: Record<string, number> = {}
    for (const { head } of whole) counts[head.service] = (counts[head.service] ?? 0) + 1
    hand({ frames: framesOf(whole), counts, dropped, passed: passedNow(), bytes: wholeBytes })
    whole = []
    wholeBytes = 0
    dropped = {}
  }

  /** Since it was asked last. */
  function passedNow(): Record<string, Passed> {
    const now: Record<string, Passed> = {}
    for (const [service, here] of taps) {
      now[service] = here.passed
      here.passed = { asked: 0, allowed: 0 }
    }
    return now
  }
}

type Room = { run: string; heldBytes: number; drop(service: string, reason: string): void }

/** Whose answer is heard. */
type Whose = { environment: SlottedEnvironment; replica: SlottedReplica; isCopy?: true }

class Hearing implements Tapping {
  /** Held for it, until main has taken it. */
  bytes = headBytes
  /** It was handed on; false: there was no room for it; undefined: there is nothing whole to hand on. */
  heard: boolean | undefined = undefined
  isOver = false
  private readonly room: Room
  private readonly flight: Flight
  private readonly whose: Whose
  private asked: Bytes = ''
  private answered: Bytes = ''
  private answerLines: Lines = ''
  private trailerLines: Lines = ''
  private readonly pieces: number[] = []

  constructor(room: Room, flight: Flight, whose: Whose) {
    this.room = room
    this.flight = flight
    this.whose = whose
    room.heldBytes += headBytes
  }

  request(bytes: Bytes): void {
    if (this.asked.length + bytes.length > tapMaxBytes) return this.drop('too-large')
    if (this.hold(bytes)) this.asked += bytes
  }

  head(lines: Lines): void {
    this.answerLines = lines
  }

  answer(bytes: Bytes): void {
    if (this.isOver) return
    if (this.answered.length + bytes.length > tapMaxBytes) return this.drop('too-large')
    if (!this.hold(bytes)) return
    this.answered += bytes
    const { pieces } = this
    if (pieces.length / 2 < piecesMax)
      pieces.push(rounded(performance.now() - this.flight.begun), bytes.length)
    else pieces[pieces.length - 1]! += bytes.length
  }

  trailers(lines: Lines): void {
    this.trailerLines = lines
  }

  drop(reason: string): void {
    if (this.isOver) return
    this.isOver = true
    if (reason !== 'not-whole') this.heard = false
    if (this.flight.tapping === this) {
      this.flight.tapping = null
      if (this.flight.judged) this.flight.heard = this.heard
    }
    this.room.heldBytes -= this.bytes
    this.room.drop(this.flight.claim.table.service, reason)
  }

  toText({ status, firstByteMs, totalMs }: Ended): TappedText {
    const { claim, requestId, exchange, judged } = this.flight
    const { table, at, seq, drawn } = claim
    const { environment, replica, isCopy } = this.whose
    const { method, target, fields } = exchange
    const place = {
      run: this.room.run,
      seq: seq!,
      replica: replica.id,
      share: drawn?.share ?? null,
      client: drawn?.client ?? 0,
    }
    const head = {
      service: table.service,
      environment: environment.environment,
      version: environment.version,
      release: environment.release,
      requestId,
      point: pointOf(requestId),
      at,
      method,
      target,
      lines: without(fields.lines, fields.dropped),
      status,
      answerLines: this.answerLines,
      ...(this.trailerLines === '' ? {} : { trailerLines: this.trailerLines }),
      firstByteMs: rounded(firstByteMs),
      totalMs: rounded(totalMs),
      pieces: this.pieces,
      ...(isCopy ? { isCopy } : {}),
      ...(judged ? { judged: place } : {}),
    }
    return { head, request: this.asked, answer: this.answered }
  }

  private hold({ length }: Bytes): boolean {
    if (this.room.heldBytes + length > heldMaxBytes) {
      this.drop('full')
      return false
    }
    this.bytes += length
    this.room.heldBytes += length
    return true
  }
}

/** A copy has no client, and what it was asked is its original's. */
class CopyHeard implements CopyHearing {
  private readonly hearing: Hearing
  private readonly keep: (hearing: Hearing, result: Ended) => void

  constructor(hearing: Hearing, keep: (hearing: Hearing, result: Ended) => void) {
    this.hearing = hearing
    this.keep = keep
  }

  head(lines: Lines): void {
    this.hearing.head(lines)
  }

  answer(bytes: Bytes): void {
    this.hearing.answer(bytes)
  }

  trailers(lines: Lines): void {
    this.hearing.trailers(lines)
  }

  ended(result: Ended): boolean | undefined {
    if (!this.hearing.isOver) this.keep(this.hearing, result)
    return this.hearing.heard
  }
}

/** Hundredths of a millisecond say enough. */
function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
