/** The line from the gateway's main thread to the examiner: written to while it takes, and never waited for. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { droppedFrame } from '../ipc/exchanges.ts'
import type { Dropped } from '../ipc/exchanges.ts'
import type { TapBatch } from './tap.ts'
import { openTapped } from './tapped.ts'

/** Written and not taken by the examiner yet; more is dropped. */
const waitingMaxBytes = 32 * 1024 * 1024
/** An examiner that is being started again is looked for this often. */
const retryMs = 250

export type TapLine = ReturnType<typeof openTapLine>

export function openTapLine(socketPath: string) {
  let wanted = false
  let socket: Socket | null = null
  let timer: NodeJS.Timeout | null = null
  /** What the examiner was not told of yet. */
  let untold: Dropped = {}
  const counts: Dropped = {}
  const tapped = openTapped()

  return {
    /** A line is there before the first exchange comes, and goes when nothing is tapped any more. */
    keep(isWanted: boolean): void {
      wanted = isWanted
      if (wanted && socket === null) dial()
      if (!wanted) hangUp()
    },

    send(batch: TapBatch): void {
      for (const [service, more] of Object.entries(batch.passed)) tapped.add(service, more)
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
        for (const [service, count] of Object.entries(batch.counts)) {
          add(counts, `${service} sent`, count)
          tapped.add(service, { sent: count })
        }
      })
    },

    /** By `service result`, since this gateway started. */
    counts: (): Dropped => ({ ...counts }),
    tapped,
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

  function drop(key: string, count: number): void {
    add(counts, key, count)
    add(untold, key, count)
    tapped.add(key.slice(0, key.indexOf(' ')), { missed: count })
  }
}

function add(to: Dropped, key: string, count: number): void {
  to[key] = (to[key] ?? 0) + count
}
