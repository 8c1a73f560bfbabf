/** The line from the gateway's main thread to the examiner: written to while it takes, and never waited for. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { droppedFrame } from '../ipc/exchanges.ts'
import type { Dropped } from '../ipc/exchanges.ts'
import type { Passed, TapBatch } from './tap.ts'

/** Written and not taken by the examiner yet; more is dropped. */
const waitingMaxBytes = 32 * 1024 * 1024
/** An examiner that is being started again is looked for this often. */
const retryMs = 250

export type Tapped = Passed & { sent: number; missed: number }

export type TapLine = ReturnType<typeof openTapLine>

export function openTapLine(socketPath: string) {
  let wanted = false
  let socket: Socket | null = null
  let timer: NodeJS.Timeout | null = null
  /** What the examiner was not told of yet. */
  let untold: Dropped = {}
  const counts: Dropped = {}
  const passed = new Map<string, Passed>()

  return {
    /** A line is there before the first exchange comes, and goes when nothing is tapped any more. */
    keep(isWanted: boolean): void {
      wanted = isWanted
      if (wanted && socket === null) dial()
      if (!wanted) hangUp()
    },

    send(batch: TapBatch): void {
      for (const [service, more] of Object.entries(batch.passed)) pass(service, more)
      for (const [key, count] of Object.entries(batch.dropped)) drop(key, count)
      if (socket === null || socket.connecting) return dropAll(batch, 'examiner-away')
      if (socket.writableLength > waitingMaxBytes) return dropAll(batch, 'examiner-behind')
      if (Object.keys(untold).length > 0) {
        socket.write(droppedFrame(untold))
        untold = {}
      }
      if (batch.frames.length === 0) return
      socket.write(batch.frames, (error) => {
        if (error != null) return dropAll(batch, 'examiner-away')
        for (const [service, count] of Object.entries(batch.counts))
          add(counts, `${service} sent`, count)
      })
    },

    /** By `service result`, since this gateway started. */
    counts: (): Dropped => ({ ...counts }),
    /** Of one service, since this gateway started; of what may be copied, `sent` to the examiner, and `missed` for any reason. */
    tapped(service: string): Tapped {
      const { asked, allowed } = passed.get(service) ?? { asked: 0, allowed: 0 }
      const of = Object.entries(counts).filter(([key]) => key.startsWith(`${service} `))
      const sent = counts[`${service} sent`] ?? 0
      return { asked, allowed, sent, missed: of.reduce((sum, [, one]) => sum + one, 0) - sent }
    },
    close(): void {
      wanted = false
      hangUp()
    },
  }

  function dial(): void {
    timer = null
    const dialled = connect(socketPath)
    socket = dialled
    dialled.on('error', () => {})
    // It says nothing; what would come must not collect.
    dialled.resume()
    dialled.on('close', () => {
      if (socket !== dialled) return
      socket = null
      if (wanted) timer = setTimeout(dial, retryMs).unref()
    })
  }

  function hangUp(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const left = socket
    socket = null
    left?.end()
  }

  function dropAll({ counts: exchanges }: TapBatch, reason: string): void {
    for (const [service, count] of Object.entries(exchanges)) drop(`${service} ${reason}`, count)
  }

  function pass(service: string, { asked, allowed }: Passed): void {
    const before = passed.get(service) ?? { asked: 0, allowed: 0 }
    passed.set(service, { asked: before.asked + asked, allowed: before.allowed + allowed })
  }

  function drop(key: string, count: number): void {
    add(counts, key, count)
    add(untold, key, count)
  }
}

function add(to: Dropped, key: string, count: number): void {
  to[key] = (to[key] ?? 0) + count
}
