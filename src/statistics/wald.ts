/**
 * The fewest requests that any test needs on average: ln(1/α) over the evidence that one request gives, which is the
 * divergence of the truth from the nearest case of "not worse". The same number, turned round, plans a watch.
 * Source: Wald 1945; design §1. Reference: 1 % → 5 %, split in halves, α 0.01 → 615 requests; 4.5 % / 0.5 % pairs → 250.
 */
import { divergence } from './divergence.ts'

/** Nats per request, split by a coin. */
export function evidencePerRequest(oldRate: number, newRate: number, share: number): number {
  const mean = share * newRate + (1 - share) * oldRate
  return share * divergence(newRate, mean) + (1 - share) * divergence(oldRate, mean)
}

/** Nats per pair. @param newOnly share of pairs in which only the new version fails */
export function evidencePerPair(newOnly: number, oldOnly: number): number {
  const either = newOnly + oldOnly
  return either === 0 ? 0 : either * divergence(newOnly / either, 0.5)
}

/** Nats per answer against a fixed rate. */
export function evidencePerAnswer(rate: number, fixed: number): number {
  return divergence(rate, fixed)
}

export function waldBound(evidence: number, risk: number): number {
  return Math.log(1 / risk) / evidence
}

/**
 * About how many requests this guard needs: what the mixture costs is 1.8 nats, what was reached already is taken off.
 * @param weight this signal's part of the risk @param wealth reached so far
 * Reference: 1 % → 5 %, split in halves, α 0.01 → 856 requests.
 */
export function requestsToSee(
  evidence: number,
  { risk, weight = 1, wealth = 1 }: { risk: number; weight?: number; wealth?: number },
): number {
  if (!(evidence > 0)) return Infinity
  const missing = evidenceToSee({ risk, weight }) - Math.log(Math.max(wealth, 1))
  return Math.max(0, Math.ceil(missing / evidence))
}

const mixtureCost = 1.8

/** Nats that this guard needs before it says so. */
export function evidenceToSee({ risk, weight = 1 }: { risk: number; weight?: number }): number {
  return Math.log(1 / (risk * weight)) + mixtureCost
}
