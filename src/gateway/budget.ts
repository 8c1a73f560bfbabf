/** Second tries are bounded by a share of the requests: when everything fails, trying again must not double the load. */

/** So many tries are kept for a service that was quiet. */
const savedMax = 10

export type Budget = ReturnType<typeof openBudget>

export function openBudget() {
  const saved = new Map<string, number>()
  return {
    /** A request came: it earns a share of a try. */
    earn(service: string, share: number): void {
      const had = saved.get(service) ?? savedMax
      if (had < savedMax) saved.set(service, Math.min(savedMax, had + share))
    },
    /** False when there is nothing left. */
    spend(service: string): boolean {
      const had = saved.get(service) ?? savedMax
      if (had < 1) return false
      saved.set(service, had - 1)
      return true
    },
  }
}
