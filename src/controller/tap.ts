/** Which live exchanges the examiner should see now, and the gateway told so where it does otherwise. */
import type { GatewayState, Tap } from '../gateway/control.ts'
import type { Service } from '../release/release.ts'
import type { Hands } from './make-it-so.ts'
import type { Registry } from './registry.ts'

export function tapOf(
  { name, live }: Service,
  { registry }: { registry: Pick<Registry, 'captureOf' | 'copyOf'> },
): Tap | null {
  if (live === null) return null
  const share = registry.captureOf(name)?.share ?? 0
  const { methods, exclude } = registry.copyOf(name)
  return share === 0 ? null : { share, methods, exclude }
}

/** @param state null: nobody answers there, and nothing is tapped */
export async function keepTap(
  { tapOf, gateway }: Pick<Hands, 'tapOf' | 'gateway'>,
  service: Service,
  state: GatewayState | null,
): Promise<void> {
  const routed = state?.services[service.name]
  if (routed === undefined) return
  const wanted = tapOf(service)
  if (JSON.stringify(wanted) !== JSON.stringify(routed.tap ?? null))
    await gateway.tap(service.name, wanted)
}
