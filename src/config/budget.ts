/** A budget is held against a price, and must at least pay for the first replica-hour. */
import type { CrossProblem } from './cross-problem.ts'
import type { ServiceManifest } from './manifest.ts'

export function budgets(at: string[], { environment, budget }: ServiceManifest): CrossProblem[] {
  if (budget === undefined) return []
  const path = [...at, 'budget']
  const { price } = environment
  if (price === undefined)
    return [{ path, message: 'what a replica-hour costs is not said: give environment.price' }]
  if (price.currency !== budget.currency)
    return [
      {
        path: [...path, 'currency'],
        message: `is ${budget.currency}, and environment.price is in ${price.currency}: use one`,
      },
    ]
  return (['release', 'month'] as const)
    .filter((key) => (budget[key] ?? Infinity) < price.replicaHour)
    .map((key) => ({
      path: [...path, key],
      message: `is less than one replica-hour (${price.replicaHour} ${price.currency}): no candidate could be tested with it`,
    }))
}
