/** What signals said of a release's answers, counted by how they were taken: the history that a new version is held against. */
import type { SignalTotals } from '../../storage/traffic.ts'
import type { SignalSettings, SignalVerdict } from '../../verification/signals/signal.ts'
import { digestOf } from './signal-specs.ts'
import type { ControllerStore } from '../store.ts'
import type { TokenTime } from './times.ts'

/** Yes/no ones: nothing else is compared with the past. Of clients' answers; a copy's are nobody's. */
export function signalTotals(
  verdicts: readonly SignalVerdict[],
  settingsOf: (id: string) => SignalSettings | null,
): SignalTotals[] {
  const totals = new Map<string, SignalTotals>()
  const rules = new Map<string, string>()
  for (const { id, service, release, isCopy, values } of verdicts) {
    const settings = isCopy ? null : settingsOf(id)
    if (settings === null) continue
    for (const [signal, value] of Object.entries(values)) {
      if (typeof value !== 'boolean') continue
      const place = `${id} ${signal}`
      const rule = rules.get(place) ?? ruleOf(settings, signal)
      rules.set(place, rule)
      const key = `${service} ${release} ${place}`
      const sum = totals.get(key) ?? { service, release, signal, rule, total: 0, bad: 0 }
      sum.total++
      if (value) sum.bad++
      totals.set(key, sum)
    }
  }
  return [...totals.values()]
}

/** Of clients' streams. */
export function tokenTimesOf(
  verdicts: readonly SignalVerdict[],
  settingsOf: (id: string) => SignalSettings | null,
): TokenTime[] {
  return verdicts.flatMap(({ id, service, release, isCopy, values }) => {
    const settings = isCopy ? null : settingsOf(id)
    return Object.entries(settings?.signals ?? {}).flatMap(([signal, spec]) => {
      const ms = values[signal]
      if (spec.kind !== 'time' || typeof ms !== 'number') return []
      return [{ service, release, of: spec.of, ms }]
    })
  })
}

/** Of an earlier release, by the same rules. */
export function answerCounts(
  { traffic }: Pick<ControllerStore, 'traffic'>,
  service: string,
  release: string,
  settings: SignalSettings | null,
): Record<string, { total: number; bad: number }> {
  if (settings === null) return {}
  return Object.fromEntries(
    Object.keys(settings.signals).map((signal) => [
      signal,
      traffic.signal(service, release, signal, ruleOf(settings, signal)),
    ]),
  )
}

function ruleOf({ protocol, signals }: SignalSettings, signal: string): string {
  return digestOf([protocol, signals[signal]])
}
