/** `watch:` of the manifest, as the guard takes it. */
import type { ServiceManifest } from '../../config/manifest.ts'
import type { SignalRules, Source, WatchRules, YesNoRules } from '../../guard/guard.ts'

type WatchManifest = ServiceManifest['watch']

/** What Beryl did not start it cannot replace: then one bad replica is the version's fault. */
export function watchRulesOf(
  watch: WatchManifest,
  { provider }: Pick<ServiceManifest['environment'], 'provider'>,
): WatchRules {
  const { falseRollbackRisk, badPromotionRisk } = watch
  const signals = watch.signals.map((name) => rulesOf(name, watch))
  const rules = { falseRollbackRisk, badPromotionRisk, signals }
  return provider === 'external' ? { ...rules, replaces: false } : rules
}

/** A rule on the answer, or what people say? */
export function handoffIsSaid({ handoff }: WatchManifest): boolean {
  return handoff.answer === undefined && handoff.matches === undefined
}

function rulesOf(name: string, watch: WatchManifest): SignalRules {
  const required = watch.required.includes(name)
  const yesNo = (
    { tolerance, margin, atMost, minimumEffect }: Omit<YesNoRules, 'kind' | 'name' | 'required'>,
    from: Source,
  ): YesNoRules => ({
    kind: 'yesNo',
    name,
    required,
    from,
    tolerance,
    margin,
    atMost,
    minimumEffect,
  })
  switch (name) {
    case 'errors':
      return { kind: 'yesNo', name, required, ...watch.errors }
    case 'latency':
      return { ...latencyRules(watch.latency), of: watch.latency.of, name, required }
    case 'firstToken':
    case 'perToken':
      return { ...latencyRules(watch[name]), of: name, name, required, from: 'answer' }
    case 'validity':
      return yesNo(watch.validity, 'answer')
    case 'handoff':
      return yesNo(watch.handoff, handoffIsSaid(watch) ? 'feedback' : 'answer')
    case 'feedback': {
      const { kind, tolerance, margin } = watch.feedback
      if (kind !== 'score') return yesNo(watch.feedback, 'feedback')
      return { kind: 'score', name, required, from: 'feedback', tolerance, margin }
    }
    case 'drift': {
      const { tolerance } = watch.drift
      return { kind: 'drift', name, required, from: 'answer', tolerance }
    }
    default: {
      // `validate` refuses names that are not there.
      const own = watch.own[name]!
      if ('yesNo' in own) return yesNo(own, 'answer')
      const { tolerance, margin } = own
      return { kind: 'score', name, required, from: 'answer', tolerance, margin }
    }
  }
}

function latencyRules({
  tolerance,
  margin,
  plus,
  p95,
}: Pick<WatchManifest['latency'], 'tolerance' | 'margin' | 'plus' | 'p95'>) {
  const plusMs = plus * 1000
  return {
    kind: 'latency' as const,
    tolerance: { times: 1 + tolerance, plusMs },
    margin: { times: 1 + margin, plusMs },
    atMost: p95 === undefined ? null : { share: 0.95, ms: p95 * 1000 },
  }
}
