/** Calls to the API as the typed client makes them: errors in words, writes that are done once however often they are sent. */
import { randomUUID } from 'node:crypto'
import { isProblem, ProblemError } from '../ipc/problem.ts'
import { ask } from './ask.ts'
import type { Answer } from './ask.ts'

export type Reach = {
  url: string
  token: string
  /** Whom to trust, a file in PEM; without it, whom the system trusts. */
  ca?: string | undefined
}

const limitMs = 15_000
const pageMax = 200
/** A controller that starts again is away for less than this. */
const againMs = 3000
const pauseMs = 200
/** Longer waits are for a person to decide. */
const waitMaxS = 5

export type Calls = ReturnType<typeof callsTo>

/** @throws ProblemError: the API's own, or `unreachable` */
export function callsTo({ url, token, ca }: Reach) {
  return { call, pages, whole, send, refusalOf }

  async function call<Answered>(
    method: string,
    path: string,
    body?: unknown,
    withinMs = limitMs,
  ): Promise<Answered> {
    const response = await send(method, path, body, withinMs)
    if (!response.ok) throw await refusalOf(response, method, path)
    const answer: unknown = await response.json().catch(() => null)
    if (typeof answer === 'object' && answer !== null) return answer as Answered
    throw notBeryl(response.status, method, path)
  }

  /** All of a list, whatever its length. */
  async function pages<Item>(path: string, name: string): Promise<Item[]> {
    return (await whole<Record<string, readonly Item[]>, string>(path, name))[name] as Item[]
  }

  /** An answer with a list in it, as if it had come in one page. */
  async function whole<Answered extends object, Name extends keyof Answered & string>(
    path: string,
    name: Name,
  ): Promise<Answered> {
    const all: unknown[] = []
    for (let after: string | null = null; ;) {
      const query = after === null ? '' : `&after=${encodeURIComponent(after)}`
      const page: Answered & { next?: string | null } = await call(
        'GET',
        `${path}?limit=${pageMax}${query}`,
      )
      all.push(...(page[name] as readonly unknown[]))
      if (page.next == null) return { ...page, [name]: all }
      after = page.next
    }
  }

  /** A write whose answer was lost on the way is sent again, with its key: it is not done twice. */
  async function send(
    method: string,
    path: string,
    body?: unknown,
    withinMs?: number,
  ): Promise<Answer> {
    // A name of dots would be resolved away, and the request come to what stands above it.
    if (
      path
        .split('?', 1)[0]!
        .split('/')
        .some((one) => one === '.' || one === '..')
    )
      throw new ProblemError({
        status: 400,
        code: 'usage',
        title: 'expected a name, came one of dots',
        hint: 'beryl status lists the services and their releases',
      })
    const question = {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        ...(method === 'GET' ? {} : { 'idempotency-key': randomUUID() }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      withinMs,
      ca,
    }
    let until = 0
    for (;;) {
      try {
        const answer = await ask(`${url}/api/v1${path}`, question)
        const waitS = answer.status === 429 ? Number(answer.header('retry-after')) : Infinity
        if (!(waitS <= waitMaxS)) return answer
        answer.body.resume()
        await pause(waitS * 1000)
      } catch (error) {
        if (method !== 'GET' && wasCut(error) && until === 0) until = Date.now() + againMs
        if (Date.now() >= until || isTooLate(error)) throw unreachable(error, withinMs ?? limitMs)
        await pause(pauseMs)
      }
    }
  }

  async function refusalOf(response: Answer, method: string, path: string): Promise<Error> {
    const answer: unknown = await response.json().catch(() => null)
    return isProblem(answer) ? new ProblemError(answer) : notBeryl(response.status, method, path)
  }

  function unreachable(cause: unknown, withinMs: number): Error {
    if (cause instanceof ProblemError) return cause
    const isNotTrusted = /CERT|SIGNATURE|ALTNAME|SELF_SIGNED|ISSUER/.test(codeOf(cause))
    return new ProblemError(
      {
        status: 503,
        code: 'unreachable',
        title: `nobody ${isNotTrusted ? 'who is trusted ' : ''}answers at ${url}${whyNot(cause, withinMs)}`,
        hint: isNotTrusted
          ? 'name whom to trust with --ca FILE or BERYL_CA: the certificate of the API, or of those who signed it'
          : 'is `beryl up` running there? Model servers and traffic go on without the API',
      },
      { cause },
    )
  }

  function notBeryl(status: number, method: string, path: string): ProblemError {
    return new ProblemError({
      status,
      code: 'unexpected',
      title: `${method} ${url}/api/v1${path} answered ${status} with something that does not come from Beryl`,
      hint: `is ${url} the API of Beryl?`,
    })
  }
}

function whyNot(cause: unknown, withinMs: number): string {
  if (isTooLate(cause)) return ` within ${withinMs / 1000} s`
  const code = codeOf(cause)
  return code === '' ? '' : ` (${code})`
}

/** It may have arrived, and been done. */
function wasCut(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE'].includes(codeOf(error))
}

function isTooLate(error: unknown): boolean {
  return (error as Error).name === 'TimeoutError'
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
