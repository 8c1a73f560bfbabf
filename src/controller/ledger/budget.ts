/** What was spent of each budget, from the ledger: of what blue-green added, never of what a single environment needs too. */
import type { Release, Service } from '../../release/release.ts'
import type { Spent } from '../../release/seen.ts'
import { costsOf } from './ledger.ts'
import { monthOf } from './month.ts'
import type { ControllerStore } from '../store.ts'

export type Budget = { release?: number | undefined; month?: number | undefined; currency: string }

/** The ledger is read again after this, ms: money does not run away within it. */
const freshMs = 5000

export function budgetsOf({
  store,
  budgetOf,
  now,
}: {
  store: ControllerStore
  /** As the manifest has it now: who raises it, wants it at once. */
  budgetOf: (service: string) => Budget | null
  now: () => { wall: number }
}): (service: Service) => readonly Spent[] {
  const known = new Map<string, { at: number; key: string; spent: readonly Spent[] }>()

  return ({ name, release }) => {
    const budget = budgetOf(name)
    if (budget === null || release === null) return []
    const at = now().wall
    const key = JSON.stringify([release.id, budget])
    const last = known.get(name)
    if (last?.key === key && Math.abs(at - last.at) < freshMs) return last.spent
    const spent = spentOf(store, release, budget, at)
    known.set(name, { at, key, spent })
    return spent
  }
}

function spentOf(
  store: ControllerStore,
  { service, id }: Release,
  { release, month, currency }: Budget,
  at: number,
): readonly Spent[] {
  const from = monthOf(at)
  const spent: Spent[] = []
  if (release !== undefined) {
    const all = costsOf(store, service, { from: Number.NEGATIVE_INFINITY, to: at })
    const money = all.releases.get(id)?.added.money ?? 0
    spent.push({ of: 'release', name: id, spent: money, limit: release, currency })
  }
  if (month !== undefined) {
    const { added } = costsOf(store, service, { from, to: at })
    const name = new Date(from).toISOString().slice(0, 7)
    spent.push({ of: 'month', name, spent: added.money ?? 0, limit: month, currency })
  }
  return spent
}
