/** Ctrl-C on `beryl up`: every model server that Beryl started ends; others are let go of. The rows stay as they are: the next `up` brings them back. */
import type { Provider } from '../providers/provider.ts'
import type { Now } from '../release/release.ts'
import type { ControllerStore } from './store.ts'

const pollMs = 50

export async function stopReplicas({
  provider,
  store,
  now,
}: {
  provider: Provider
  store: ControllerStore
  now: () => Now
}): Promise<{ stopped: number }> {
  const replicas = provider.look().filter(({ state }) => state.name !== 'gone')
  for (const { id } of replicas) await provider.stop(id)
  while (provider.look().some(({ state }) => state.name !== 'gone'))
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  for (const service of new Set(replicas.map((replica) => replica.service))) {
    const own = replicas.filter((replica) => replica.service === service)
    const text = own.some(({ provider: kind }) => kind === 'process')
      ? 'Beryl was stopped, and the model servers it had started with it'
      : 'Beryl was stopped; the servers it routed to are not its own and go on'
    store.events.add({
      at: now().wall,
      service,
      release: null,
      kind: 'replica',
      by: 'beryl',
      text,
      data: { replicas: own.map(({ id }) => id) },
    })
  }
  return { stopped: replicas.length }
}
