/**
 * Failures of the candidate beside answers of live to the same requests: what the guard may take for evidence after the switch. A
 * server that has no room (429, 503) says nothing, for only one of the two carries the traffic (rulings §5), and neither does a
 * request that live failed on: to leave those out is never to the candidate's advantage. Pure.
 */
import type { Answer } from '../compare/comparison.ts'

/** `newOnly`: live answered and the candidate did not. */
export type ErrorPairs = { total: number; newOnly: number }

export function countErrors(
  { total, newOnly }: ErrorPairs,
  { live, candidate }: { live: Answer; candidate: Answer },
): ErrorPairs {
  if (isFull(live) || isFull(candidate) || isError(live)) return { total, newOnly }
  return { total: total + 1, newOnly: newOnly + Number(isError(candidate)) }
}

/** As the guard has it: no answer, or a status of 500 and more. */
function isError({ status }: Answer): boolean {
  return status === 0 || status >= 500
}

function isFull({ status }: Answer): boolean {
  return status === 429 || status === 503
}
