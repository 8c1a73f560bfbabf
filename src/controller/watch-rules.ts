/** `watch:` of the manifest, as the guard takes it. */
import type { ServiceManifest } from '../config/manifest.ts'
import type { SignalRules, WatchRules } from '../guard/guard.ts'

/** What Beryl did not start it cannot replace: then one bad replica is the version's fault. */
export function watchRulesOf(
  watch: ServiceManifest['watch'],
  { provider }: Pick<ServiceManifest['environment'], 'provider'>,
): WatchRules {
  const { falseRollbackRisk, badPromotionRisk } = watch
  const signals = watch.signals.map((name): SignalRules => {
    const required = watch.required.includes(name)
    if (name === 'errors') return { kind: 'yesNo', name, required, ...watch.errors }
    const { of, tolerance, margin, plus, p95 } = watch.latency
    const plusMs = plus * 1000
    return {
      kind: 'latency',
      name,
      required,
      of,
      tolerance: { times: 1 + tolerance, plusMs },
      margin: { times: 1 + margin, plusMs },
      atMost: p95 === undefined ? null : { share: 0.95, ms: p95 * 1000 },
    }
  })
  const rules = { falseRollbackRisk, badPromotionRisk, signals }
  return provider === 'external' ? { ...rules, replaces: false } : rules
}
