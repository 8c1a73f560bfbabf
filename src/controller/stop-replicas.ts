/** Ctrl-C on `beryl up`: every model server ends. The rows stay as they are: the next `up` brings them back. */
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
    const text = 'Beryl was stopped, and its model servers with it'
    store.events.add({
      at: now().wall,
      service,
      release: null,
      kind: 'replica',
      by: 'beryl',
      text,
      data: {
        replicas: replicas.filter((replica) => replica.service === service).map(({ id }) => id),
      },
    })
  }
  return { stopped: replicas.length }
}
