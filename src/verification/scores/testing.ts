/** For tests only. */
import type { Line } from './scores.ts'

export function lineOf(expected: unknown, line = 1, request: unknown = null): Line {
  return { line, request, expected }
}
