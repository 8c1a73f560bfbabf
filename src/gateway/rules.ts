/** How requests are treated: what a table says, and what holds where it says nothing. */
import type { RequestRules, ServiceTable, TrafficRules } from './control.ts'
import { isUnder, plainPath } from '../ipc/plain-path.ts'

export const usualRules: TrafficRules = {
  bodyMaxBytes: null,
  // As long as common proxies wait.
  bodySilenceMs: 60_000,
  // A model that says nothing for a minute has lost the request; a slow prompt is answered sooner.
  firstByteMs: 60_000,
  // Token streams pause while a tool runs or a queue is long; not for five minutes.
  idleMs: 300_000,
  totalMs: null,
  retryMethods: [],
  paths: [],
  concurrentMax: null,
  queueMax: 100,
  queueMs: 10_000,
  affinity: null,
  retryShare: 0.2,
  kept: { idleMax: 256, idleMs: null, requestsMax: null },
  hidden: [],
}

export function rulesOf({ rules }: ServiceTable): TrafficRules {
  return { ...usualRules, ...rules }
}

/** Rules of one path, whole. */
export type PathTable = { path: string; rules: RequestRules }

/** @returns the longest path first, each as `plainPath` writes it */
export function pathTables(rules: TrafficRules): PathTable[] {
  const { bodyMaxBytes, bodySilenceMs, firstByteMs, idleMs, totalMs, retryMethods } = rules
  const usual = { bodyMaxBytes, bodySilenceMs, firstByteMs, idleMs, totalMs, retryMethods }
  return rules.paths
    .map(({ path, ...own }) => ({ path: plainPath(path) ?? path, rules: { ...usual, ...own } }))
    .toSorted((one, other) => other.path.length - one.path.length)
}

/** @param target origin-form, as it came: however it is written, the rules of its path hold */
export function rulesFor(
  { rules, paths }: { rules: RequestRules; paths: readonly PathTable[] },
  target: string,
): RequestRules {
  if (paths.length === 0) return rules
  const path = plainPath(target)
  if (path === null) return rules
  return paths.find((one) => isUnder(path, one.path))?.rules ?? rules
}
