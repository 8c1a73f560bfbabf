/**
 * Which strategy? Each held to the same regression at the same traffic: how many answers of a bad version clients would get until the
 * verdict, how long that takes, how soon all is back, and what it costs. Pure.
 */
import type { PlanView } from '../../api/shapes.ts'
import { evidencePerRequest, requestsToSee } from '../../statistics/wald.ts'
import type { Price } from '../ledger/cost.ts'
import type { Measured } from './policies.ts'

const hourMs = 3_600_000
const [canaryShare, linearShare] = [0.05, 0.1]

export function strategiesOf({
  replicas,
  shares,
  sinceAllMs,
  toSwitchMs,
  atLeastS,
  price,
  measured,
  regression,
  risk,
}: {
  replicas: number
  /** Steps of the manifest; none: it moves all at once. */
  shares: readonly number[]
  /** By the watch of the manifest, all at once: until the verdict, ms; null: never, or no traffic. */
  sinceAllMs: number | null
  toSwitchMs: number | null
  atLeastS: number
  price: Price | null
  measured: Measured
  regression: { oldRate: number; newRate: number; perSecond: number } | null
  risk: { risk: number; weight: number }
}): PlanView['strategies'] {
  if (regression === null) return []
  const { oldRate, newRate, perSecond } = regression
  const inStep = (share: number) => {
    const requests = requestsToSee(evidencePerRequest(oldRate, newRate, share), risk)
    const ms = perSecond === 0 || requests === Infinity ? null : (requests / perSecond) * 1000
    return { verdictMs: ms, answers: requests === Infinity ? null : requests * share }
  }
  const beside = (verdictMs: number | null) =>
    verdictMs === null || toSwitchMs === null
      ? null
      : (replicas * (toSwitchMs + Math.max(verdictMs, atLeastS * 1000))) / hourMs
  const line = (
    strategy: PlanView['strategies'][number]['strategy'],
    seen: { verdictMs: number | null; answers: number | null },
    more: { share: number; backMs: number | null; replicaHours: number | null; offered: boolean },
  ) => ({
    strategy,
    ...more,
    verdictMs: seen.verdictMs,
    answers: seen.answers,
    bad: seen.answers === null ? null : seen.answers * newRate,
    money:
      price === null || more.replicaHours === null ? null : more.replicaHours * price.replicaHour,
    currency: price?.currency ?? null,
  })
  const all = {
    verdictMs: sinceAllMs,
    answers: sinceAllMs === null ? null : (sinceAllMs / 1000) * perSecond,
  }
  const { moveMs, startMs, warmMs } = measured
  const restart = startMs === null ? null : startMs + (warmMs ?? 0)
  const canary = inStep(shares[0] ?? canaryShare)
  const linear = inStep(linearShare)
  const one = inStep(1 / (replicas + 1))
  return [
    line('blue-green', all, {
      share: 1,
      backMs: moveMs,
      replicaHours: beside(sinceAllMs),
      offered: true,
    }),
    line('canary', canary, {
      share: shares[0] ?? canaryShare,
      backMs: moveMs,
      replicaHours: beside(canary.verdictMs),
      offered: true,
    }),
    line('linear', linear, {
      share: linearShare,
      backMs: moveMs,
      replicaHours: beside(linear.verdictMs),
      offered: true,
    }),
    // One more than live has, one after the other; the way back starts the old ones again.
    line('replica by replica', one, {
      share: 1 / (replicas + 1),
      backMs: restart,
      replicaHours: restart === null ? null : (replicas * restart) / hourMs,
      offered: false,
    }),
  ]
}
