/**
 * How much of the live traffic is answered twice. Pairs are the stronger evidence, and see nothing of what is not copied: only
 * while nearly all is copied, failures too, may they stand for all of it. A request that fails before it was whole has no copy;
 * a version that fails so must not hide behind pairs. Judged by what is past, never by how the next request comes out.
 */
export type Coverage = {
  asked: number
  copied: number
  /** Failures of the new version, and those among them that no copy stands beside. */
  bad: number
  badAlone: number
}

/** Below, nothing is known yet, and what is copied is thought to be all. */
const enough = 50
const coveredShare = 0.9
/** One or two are a client's bad luck. */
const badAloneMax = 2
/** Beyond this the past counts by half. */
const rememberedMax = 400

export function beginCoverage(): Coverage {
  return { asked: 0, copied: 0, bad: 0, badAlone: 0 }
}

/**
 * @param more requests that ended, of them those with a copy, less the copies that were not sent after all
 * @returns counts that stay at least 0, and remember a few hundred requests
 */
export function countCoverage(before: Coverage, more: Coverage): Coverage {
  const asked = before.asked + more.asked
  const copied = Math.min(asked, Math.max(0, before.copied + more.copied))
  const [bad, badAlone] = [before.bad + more.bad, before.badAlone + more.badAlone]
  const shrink = Math.min(1, rememberedMax / Math.max(1, asked))
  return {
    asked: asked * shrink,
    copied: copied * shrink,
    bad: bad * shrink,
    badAlone: badAlone * shrink,
  }
}

export function isCovered({ asked, copied, bad, badAlone }: Coverage): boolean {
  if (badAlone > badAloneMax && badAlone > (1 - coveredShare) * bad) return false
  return asked < enough || copied >= coveredShare * asked
}
