/**
 * The one way in which anything that was routed is taken down: the gateway forgets it first, and is asked right
 * before the act. That is what fences a controller that slept: a gateway which moved on refuses (rulings §8).
 */
import type { Environment, Service } from '../release/release.ts'
import type { Hands } from './make-it-so.ts'

export async function forgetThen(
  hands: Pick<Hands, 'gateway' | 'rows'>,
  service: Service,
  environment: Environment,
  act: () => Promise<void>,
): Promise<void> {
  const version = hands.rows.version(service.name)
  const { services } = await hands.gateway.state()
  const generation = services[service.name]?.generation ?? 0
  // Throws where the environment is live, has requests in flight, or the generation is not the present one.
  if (services[service.name] !== undefined)
    await hands.gateway.forget(service.name, { environment, generation })
  if (hands.rows.version(service.name) !== version) return
  await act()
}
