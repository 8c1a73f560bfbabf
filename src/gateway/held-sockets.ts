/**
 * The bound sockets that this gateway was given. Whoever supervises next is offered them, and holds them from then on (rulings §7);
 * each worker listens on copies of its own, which end with it.
 */
import { canPass, offerDescriptors, takeDescriptors } from '../ipc/descriptors.ts'
import type { GatewayConfig } from './config.ts'

/** What is said of the sockets that are offered: first those of `listen`, then those of `preview`. */
export type Held = Pick<GatewayConfig, 'listen' | 'preview'> & { traffic: number }

export type HeldSockets = {
  /** Nothing to listen on was given: the gateway binds by itself. */
  of(index: number): Promise<{ traffic: readonly number[]; preview: readonly number[] } | null>
  /** From here on whoever asks there is offered these. */
  place(): Promise<void>
  close(): void
}

/** Without the private door: no worker can take the place of one that died, and its sockets would be nobody's. */
export class SocketsGone extends Error {}

/** @param path where they are offered */
export async function holdSockets(
  { sockets, listen, preview, workers }: GatewayConfig,
  path: string,
): Promise<HeldSockets> {
  if (sockets === null) return { of: async () => null, place: async () => {}, close: () => {} }
  const all = [...sockets.traffic, ...sockets.preview]
  const traffic = sockets.traffic.length
  // Each is listened on by one worker; where there are more sockets than workers, somebody listens on several.
  if (!canPass()) {
    const used = new Set<number>()
    return {
      of: async (index) => {
        if (used.has(index))
          throw new SocketsGone(
            `the sockets of worker ${index} ended with it, and cannot be copied`,
          )
        used.add(index)
        const here = (_: number, at: number) => at % workers === index
        return { traffic: sockets.traffic.filter(here), preview: sockets.preview.filter(here) }
      },
      place: async () => {},
      close: () => {},
    }
  }
  const offer = await offerDescriptors(path, all, { listen, preview, traffic } satisfies Held)
  return {
    of: async (index) => {
      const { about, sockets: copies } = await takeDescriptors<Held>(offer.at())
      const keep = (some: typeof copies) =>
        some.flatMap((socket, at) => {
          if (at % workers === index) return [socket.fd]
          socket.close()
          return []
        })
      const ofTraffic = copies.slice(0, about.traffic)
      return { traffic: keep(ofTraffic), preview: keep(copies.slice(about.traffic)) }
    },
    place: () => offer.place(),
    close: () => offer.close(),
  }
}
