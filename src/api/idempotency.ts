/**
 * `Idempotency-Key`: the same write again, with the same key, is not done again; it gets the same answer. Kept for a day, over a
 * crash of the controller too. (The field is that of the IETF's draft-ietf-httpapi-idempotency-key-header.)
 */
import { createHash } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { ProblemError } from '../ipc/problem.ts'
import { isDiskTrouble } from '../ipc/disk-trouble.ts'
import { textOf } from './bodies.ts'
import type { ApiEnv } from './authenticate.ts'

type Asked = { holder: string; key: string; hash: Uint8Array }
/** `open`: nobody has answered it yet. `event`, `release`: what it has brought about. */
type Begun =
  | { state: 'new'; id: number }
  | { state: 'answered'; isSame: boolean; status: number; body: string | null }
  | { state: 'open'; id: number; isSame: boolean; event: number | null; release: string | null }

/** Where they are kept. */
export type Answers = {
  begin(asked: Asked, at: number): Begun
  during<Result>(id: number, act: () => Result): Result
  /** @param body null: it is not kept, because it holds a secret */
  done(id: number, status: number, body: string | null): void
  /** It has brought nothing about. */
  forget(id: number): void
}

/** @param releaseOf the answer of a command whose own was lost in a crash: what became of its release */
export function idempotent(
  answers: Answers,
  releaseOf: (id: string) => unknown,
): MiddlewareHandler<ApiEnv> {
  const running = new Set<number>()
  return async (context, next) => {
    const key = context.req.header('idempotency-key')
    if (key === undefined || ['GET', 'HEAD'].includes(context.req.method)) return next()
    const begun = await begin(context, key)
    if (begun === null) return next()
    if (begun.state !== 'new' && !begun.isSame) throw reused(key)
    if (begun.state === 'answered') return again(begun)
    if (begun.state === 'open' && running.has(begun.id)) throw underWay()
    // Whoever began it is gone; what it wrote with its first entry of the record has been done.
    if (begun.state === 'open' && begun.event !== null) return lost(context, begun)
    running.add(begun.id)
    try {
      await answers.during(begun.id, next)
      await keep(context, begun.id)
    } finally {
      running.delete(begun.id)
    }
    return undefined
  }

  /** Null: the disk takes no writes, and that bars nobody: a rollback may be what helps. */
  async function begin(context: Context<ApiEnv>, key: string): Promise<Begun | null> {
    if (!/^[\x21-\x7e]{1,255}$/.test(key))
      throw new ProblemError({
        status: 400,
        code: 'wrong-key',
        title: 'Idempotency-Key: expected 1 to 255 visible ASCII characters',
        hint: 'send a random UUID, a new one for each new request',
      })
    const hash = createHash('sha256')
      .update(`${context.req.method} ${context.req.path}\n`)
      .update(await textOf(context.req))
      .digest()
    try {
      return answers.begin({ holder: context.get('caller').id, key, hash }, Date.now())
    } catch (error) {
      if (isDiskTrouble(error)) return null
      throw error
    }
  }

  async function keep(context: Context<ApiEnv>, id: number): Promise<void> {
    const { res } = context
    try {
      if (!res.ok) return answers.forget(id)
      const isSecret = res.headers.get('cache-control') === 'no-store'
      answers.done(id, res.status, isSecret ? null : await res.clone().text())
    } catch (error) {
      // It has been done, and is answered: a second try finds its entry in the record.
      if (!isDiskTrouble(error)) throw error
    }
  }

  function again({ status, body }: { status: number; body: string | null }): Response {
    if (body === null)
      throw new ProblemError({
        status: 409,
        code: 'answer-not-kept',
        title:
          'this was done, and its answer holds a secret: it was given once, and is kept nowhere',
        hint: 'revoke the token, and make another one',
      })
    return replayed(body, status)
  }

  function lost(
    context: Context<ApiEnv>,
    { event, release }: { event: number | null; release: string | null },
  ): Response {
    const [, act] =
      /\/(releases|approve|promote|pause|resume|abort|rollback|retry)$/.exec(context.req.path) ?? []
    if (release !== null && act !== undefined)
      return replayed(
        JSON.stringify(releaseOf(release)),
        act === 'releases' || act === 'retry' ? 202 : 200,
      )
    throw new ProblemError({
      status: 409,
      code: 'answer-lost',
      title: `this was done (event ${event} of the record), by a Beryl that ended before it had answered`,
      hint: `GET /api/v1/events?after=${event! - 1}&limit=1 says what was done`,
    })
  }
}

function replayed(body: string, status: number): Response {
  return new Response(body, {
    status,
    headers: { 'content-type': 'application/json', 'idempotency-replayed': 'true' },
  })
}

function reused(key: string): ProblemError {
  return new ProblemError({
    status: 422,
    code: 'key-reused',
    title: `the Idempotency-Key ${JSON.stringify(key.slice(0, 60))} came with another request before`,
    hint: 'a key is of one request: take a new one',
  })
}

function underWay(): ProblemError {
  return new ProblemError({
    status: 409,
    code: 'under-way',
    title: 'the request with this Idempotency-Key is being answered now',
    hint: 'ask again with the same key',
    retryAfterS: 1,
  })
}
