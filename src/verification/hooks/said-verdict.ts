/** `{ "verdict": "pass" | "fail" | "undecided", "because": "…", "evidence": {…} }`, as users' webhooks and commands say it. */
import type { Verdict } from '../../release/release.ts'

const verdicts: readonly unknown[] = ['pass', 'fail', 'undecided']

/** Null for what is no verdict at all; a verdict that is none of the three is `wrong`. */
export function saidVerdict(text: string): Verdict | { wrong: string } | null {
  let said: unknown
  try {
    said = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof said !== 'object' || said === null || !('verdict' in said)) return null
  const { verdict, because, evidence } = said as Record<string, unknown>
  if (!verdicts.includes(verdict))
    return {
      wrong: `expected the verdict pass, fail or undecided, came ${JSON.stringify(verdict)}`,
    }
  return {
    verdict: verdict as Verdict['verdict'],
    because: typeof because === 'string' && because.trim() !== '' ? because : 'it gave no reason',
    evidence: isObject(evidence) ? evidence : {},
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
