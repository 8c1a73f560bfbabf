/** Which live exchanges the examiner should see now, and the gateway told so where it does otherwise. */
import type { GatewayState, Tap } from '../../gateway/control.ts'
import type { Service } from '../../release/release.ts'
import type { Hands } from '../make-it-so.ts'
import type { Registry } from '../versions/registry.ts'
import type { ControllerStore } from '../store.ts'

/**
 * As many as the hungriest asks for: each takes its own share of what comes. What is over its budget gets no copies.
 * @param every each so-manyth answer is judged for the guard; null: none
 */
export function tapOf(
  { name, live, release }: Service,
  {
    registry,
    store,
    every,
  }: {
    registry: Pick<Registry, 'captureOf' | 'copyOf'>
    store: Pick<ControllerStore, 'gates' | 'services'>
    every: number | null
  },
): Tap | null {
  if (live === null) return null
  const shares = [registry.captureOf(name)?.share ?? 0]
  if (release !== null && release.thrift === undefined) {
    const plan = store.services.plan(release.id)
    for (const { state } of store.gates.of(release.id)) {
      const spec = state.state === 'running' ? plan?.gates[state.name] : undefined
      if (spec?.kind === 'shadow') shares.push(spec.share)
    }
  }
  const share = Math.max(...shares)
  const { methods, exclude } = registry.copyOf(name)
  if (share === 0 && every === null) return null
  return { share, methods, exclude, ...(every === null ? {} : { every }) }
}

/** @param state null: nobody answers there, and nothing is tapped */
export async function keepTap(
  { tapOf, gateway }: Pick<Hands, 'tapOf' | 'gateway'>,
  service: Service,
  state: GatewayState | null,
): Promise<void> {
  const routed = state?.services[service.name]
  if (routed === undefined) return
  const wanted = tapOf(service, routed.assigned)
  if (JSON.stringify(wanted) !== JSON.stringify(routed.tap ?? null))
    await gateway.tap(service.name, wanted)
}
