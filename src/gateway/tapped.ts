/** What of a service's live traffic its tap stands for, lately and by its present rule: more than one reader must not take a part for all. */
import type { Tap, Tapped } from './control.ts'

/** Beyond so many requests the past counts by half. */
const rememberedMax = 20_000

export function openTapped() {
  const services = new Map<string, { rule: string; counts: Tapped }>()
  return {
    /** Another rule lets other requests by: what was counted under the one before says nothing of it. Without a tap nothing is forgotten. */
    by(service: string, tap: Tap | null): void {
      if (tap === null) return
      const rule = JSON.stringify([tap.methods, tap.exclude])
      if (services.get(service)?.rule !== rule) services.set(service, { rule, counts: nothing() })
    },
    add(service: string, more: Partial<Tapped>): void {
      const counts = services.get(service)?.counts
      if (counts === undefined) return
      for (const key of keys) counts[key] += more[key] ?? 0
      if (counts.asked > rememberedMax) for (const key of keys) counts[key] /= 2
    },
    of: (service: string): Tapped => ({ ...(services.get(service)?.counts ?? nothing()) }),
  }
}

const keys = ['asked', 'allowed', 'sent', 'missed'] as const

function nothing(): Tapped {
  return { asked: 0, allowed: 0, sent: 0, missed: 0 }
}
