/** Servers of pools that Beryl starts itself: processes like any other, at the addresses of the manifest. */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import type { Manifest } from '../config/manifest.ts'
import { peerOfPool, serversOf } from '../config/pools.ts'
import { log } from '../log.ts'
import type { ProcessSpec, Provider } from '../providers/provider.ts'

/** Whether all of them are there is looked at so often. */
const everyMs = 1000
/** One that was given up is tried again after this. */
const againMs = 30_000

/** No service has such a name. */
const label = (pool: string) => `pool ${pool}`
const isOne = ({ service }: { service: string }) => service.startsWith(label(''))

/** Pure. One that is started in another way has another id. */
export function poolServersOf(pools: Manifest['pools'], directory: string): ProcessSpec[] {
  return Object.entries(pools).flatMap(([name, pool]) => {
    const { start } = pool
    if (start === undefined) return []
    const { ready, stop, ...program } = start
    const tls = peerOfPool(pool, directory)
    return serversOf(pool).map(({ port }): ProcessSpec => {
      const how = {
        ...program,
        directory: resolve(directory, program.directory),
        port,
        stopGraceS: stop.grace,
        ready: { path: ready.path, withinS: ready.within },
        alive: { path: ready.path, everyS: 5, timeoutS: 2, failures: 3 },
        ...(tls === undefined ? {} : { tls }),
      }
      const digest = createHash('sha256').update(JSON.stringify(how)).digest('hex')
      return {
        ...how,
        provider: 'process',
        id: `pool-${name}-blue-${port}-${digest.slice(0, 6)}`,
        service: label(name),
        environment: 'blue',
        release: `${port}`,
        version: name,
        digest: `sha256:${digest}`,
      }
    })
  })
}

/** Brings up what the manifest asks for, and takes down what it does not ask for any more. */
export function keepPoolServers({
  provider,
  wanted,
  now = () => performance.now(),
}: {
  provider: Pick<Provider, 'look' | 'start' | 'stop'>
  wanted: () => readonly ProcessSpec[]
  now?: () => number
}): { look: () => Promise<void>; stop: () => void } {
  const failedAt = new Map<string, number>()
  let stopped = false
  const timer = setInterval(() => void look(), everyMs).unref()
  void look()
  return {
    look,
    stop: () => {
      stopped = true
      clearInterval(timer)
    },
  }

  async function look(): Promise<void> {
    const here = provider.look().filter(isOne)
    const all = wanted()
    for (const { id, state } of here) {
      const isWanted = all.some((one) => one.id === id)
      if (state.name === 'failed' && isWanted && !isOver(id)) continue
      if (!isWanted || state.name === 'failed') await provider.stop(id)
    }
    for (const spec of all) {
      // The one before has its port until it is gone.
      if (stopped || here.some((one) => one.id === spec.id || one.release === spec.release))
        continue
      try {
        await provider.start(spec)
      } catch (error) {
        log.error({ replica: spec.id, error: (error as Error).message }, 'could not be started')
      }
    }
  }

  /** How long ago it was found to have failed. */
  function isOver(id: string): boolean {
    const at = failedAt.get(id) ?? now()
    failedAt.set(id, at)
    if (now() - at < againMs) return false
    failedAt.delete(id)
    return true
  }
}
