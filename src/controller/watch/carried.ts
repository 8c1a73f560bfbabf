/** What shadow and replay put down about failures, for the watch that begins: where what they copied stands for all live traffic. */
import type { GatewayState } from '../../gateway/control.ts'
import { standsForAll } from '../../guard/carried.ts'
import type { Carried } from '../../guard/carried.ts'
import type { Release } from '../../release/release.ts'
import type { ControllerStore } from '../store.ts'

/** @param state of the gateway as it was seen last @returns null where there is nothing, or it stands for a part only */
export function carriedOf(
  { gates }: Pick<ControllerStore, 'gates'>,
  { id, service, rules }: Release,
  state: GatewayState | null,
): Carried | null {
  const tapped = state?.services[service]?.tapped
  if (tapped === undefined || !standsForAll(tapped)) return null
  const told = gates.of(id).flatMap(({ state: gate }) => {
    const kind = rules.gates.find(({ name }) => name === gate.name)?.kind
    if (gate.state !== 'decided' || (kind !== 'shadow' && kind !== 'replay')) return []
    const errors = gate.evidence['errors']
    return isCarried(errors) ? [errors] : []
  })
  if (told.length === 0) return null
  const sum = (key: keyof Carried) => told.reduce((all, one) => all + one[key], 0)
  return { total: sum('total'), newOnly: sum('newOnly') }
}

/** Evidence is the examiner's; gates of an older Beryl put nothing down. */
function isCarried(errors: unknown): errors is Carried {
  const { total, newOnly } = (errors ?? {}) as Partial<Record<keyof Carried, unknown>>
  return (
    Number.isSafeInteger(total) &&
    Number.isSafeInteger(newOnly) &&
    (newOnly as number) >= 0 &&
    (newOnly as number) <= (total as number)
  )
}
