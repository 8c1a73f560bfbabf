/** Hears what the gateway taps, and hands it to whoever listens. Nothing is said to the gateway, and nothing is held back. */
import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { FrameReader } from '../../ipc/exchanges.ts'
import type { Dropped, Tapped } from '../../ipc/exchanges.ts'
import { log } from '../../log.ts'

/** Must return at once: what cannot be taken is dropped and counted by the listener itself. */
export type TapListener = {
  exchange(one: Tapped): void
  /** Of copies: they are nobody's traffic, and go to whoever asks for them. */
  copy?(one: Tapped): void
  /** What never came, by `service reason`. */
  dropped(counts: Dropped): void
}

export type Tap = {
  /** @returns how to end it */
  listen(listener: TapListener): () => void
  close(): Promise<void>
}

/** Call only while nobody else may listen there: a socket file left behind is replaced. */
export async function hearTap(socketPath: string): Promise<Tap> {
  const listeners = new Set<TapListener>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const reader = new FrameReader({
      exchange: (one) =>
        listeners.forEach((listener) =>
          one.isCopy === true ? listener.copy?.(one) : listener.exchange(one),
        ),
      dropped: (counts) => listeners.forEach((listener) => listener.dropped(counts)),
    })
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (piece) => {
      try {
        reader.read(piece)
      } catch (error) {
        log.error({ error: (error as Error).message }, 'what the gateway tapped cannot be read')
        socket.destroy()
      }
    })
  })
  await rm(socketPath, { force: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(socketPath, resolve)
  })
  await chmod(socketPath, 0o600)
  return {
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
