/** An error that crosses a process: an RFC 9457 problem document with a stable `code` and a `hint`. */
export type Problem = {
  status: number
  code: string
  title: string
  hint?: string
  [more: string]: unknown
}

export class ProblemError extends Error {
  readonly problem: Problem
  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(problem.title, options)
    this.name = 'ProblemError'
    this.problem = problem
  }
}

export function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    'title' in value &&
    'status' in value
  )
}

/** Of a call: it reached no process at all. A time limit that ran out says nothing of that. */
export function isNobodyThere(error: unknown): boolean {
  const cause = error instanceof ProblemError ? (error.cause as NodeJS.ErrnoException) : null
  return cause?.code === 'ENOENT' || cause?.code === 'ECONNREFUSED'
}
