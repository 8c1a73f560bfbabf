/** Asks the API; the browser adds the cookie. What is refused comes as the API's own words. */
import type { Problem } from '../../ipc/problem.ts'
import { session } from './session.ts'

const limitMs = 20_000

export class Refused extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.title)
    this.problem = problem
  }
}

/** @throws Refused */
export async function call<Answer>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`/api/v1${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    signal: AbortSignal.timeout(limitMs),
  }).catch(() => {
    throw new Refused({
      status: 503,
      code: 'unreachable',
      title: 'Beryl does not answer here',
      hint: 'model servers and traffic go on without this page; is `beryl up` running?',
    })
  })
  const answer = (await response.json().catch(() => null)) as (Answer & Partial<Problem>) | null
  if (response.ok && answer !== null) return answer
  if (response.status === 401) session.value = { state: 'out' }
  throw new Refused({
    status: response.status,
    code: answer?.code ?? 'unexpected',
    title: answer?.title ?? `the answer was ${response.status}, with nothing that Beryl said`,
    ...(answer?.hint === undefined ? {} : { hint: answer.hint }),
  })
}
