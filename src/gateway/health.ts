/** Ejects replicas that fail again and again, never the last healthy one of its environment, and takes them back when they accept connections. */
import { connect } from 'node:net'
import { log } from '../log.ts'
import type { Shared } from './shared.ts'
import type { SlotKey, openSlots } from './slots.ts'

const probeEveryMs = 500
const probeLimitMs = 1000

export function openHealth(shared: Shared, slots: ReturnType<typeof openSlots>) {
  const timers = new Set<NodeJS.Timeout>()
  return {
    /** A worker saw a replica fail three times in a row. */
    failing(slot: number): void {
      const key = slots.keyOf(slot)
      if (key === null || Atomics.load(shared.ejected, slot) === 1) return
      const others = slots
        .all()
        .filter(
          (one) =>
            one.slot !== slot &&
            one.key.service === key.service &&
            one.key.environment === key.environment &&
            Atomics.load(shared.ejected, one.slot) === 0,
        )
      if (others.length === 0) return
      Atomics.store(shared.ejected, slot, 1)
      log.warn({ service: key.service, replica: key.id }, 'ejected: it failed three times in a row')
      later(slot, key)
    },
    close: () => timers.forEach((timer) => clearTimeout(timer)),
  }

  function later(slot: number, key: SlotKey): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      void takeBack(slot, key)
    }, probeEveryMs)
    timers.add(timer)
  }

  async function takeBack(slot: number, key: SlotKey): Promise<void> {
    const well = await accepts(key)
    if (slots.keyOf(slot)?.id !== key.id) return
    if (!well) return later(slot, key)
    Atomics.store(shared.failures, slot, 0)
    Atomics.store(shared.ejected, slot, 0)
    log.info({ service: key.service, replica: key.id }, 'accepts connections again')
  }
}

function accepts({ host, port }: SlotKey): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: probeLimitMs })
    const end = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
