/** Who wants to be told of changes. */
import type { Log } from './provider.ts'

export function listenersOf(log: Log) {
  const listeners = new Set<() => void>()
  return {
    /** @returns how to stop being told */
    add: (listener: () => void): (() => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    /** Somebody else's mistake must not stop a replica half-way. */
    tell: (): void => {
      for (const listener of listeners)
        try {
          listener()
        } catch (error) {
          log.error({ error: (error as Error).message }, 'a listener to replica changes failed')
        }
    },
  }
}
