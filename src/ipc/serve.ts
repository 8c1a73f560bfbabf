/** Serves a Hono app over a Unix socket that only this user may open. */
import { chmod, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import { isDiskTrouble } from './disk-trouble.ts'
import { ProblemError } from './problem.ts'
import { asideOf } from './data-directory.ts'
import type { Problem } from './problem.ts'

export type ServedSocket = {
  /** Answers what was asked, and nothing further; whoever asks there next reaches whoever took its place. */
  leave(): void
  close(): Promise<void>
}

/** Call only while nobody else may serve there: a socket file left behind, or of whoever leaves, is replaced. */
export async function serveSocket(app: Hono, socketPath: string): Promise<ServedSocket> {
  // Aside first, then in one step into its place: there is always somebody to ask. Its server removes what it was made as.
  const aside = asideOf(socketPath)
  await rm(aside, { force: true })
  const listener = getRequestListener(app.fetch)
  const server = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(aside, resolve)
  })
  await chmod(aside, 0o600)
  await rename(aside, socketPath)
  return {
    leave: () => void server.close(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Turns what a handler threw into a problem document. */
export function asProblem(app: Hono): Hono {
  app.onError((error, context) => {
    if (!(error instanceof ProblemError)) console.error(error)
    const problem = problemOf(error)
    return context.body(documentOf(problem), problem.status as 500, headersOf(problem))
  })
  app.notFound((context) => {
    const problem = {
      status: 404,
      code: 'not-found',
      title: `there is no ${context.req.method} ${context.req.path}`,
    }
    return context.body(documentOf(problem), 404, headersOf(problem))
  })
  return app
}

function problemOf(error: Error): Problem {
  if (error instanceof ProblemError) return error.problem
  if (isDiskTrouble(error))
    return {
      status: 507,
      code: 'disk',
      title: `the data directory takes no writes, and nothing was changed: ${error.message}`,
      hint: 'free space there, and ask again: `beryl doctor` looks at it; a rollback goes on meanwhile',
    }
  return {
    status: 500,
    code: 'internal',
    title: error.message,
    hint: 'This is a bug in Beryl; the log has the stack.',
  }
}

/** RFC 9457: the type is what tells one problem from another; ours have no page of their own. */
function documentOf(problem: Problem): string {
  return JSON.stringify({ type: `urn:beryl:problem:${problem.code}`, ...problem })
}

function headersOf({ status, allow, retryAfterS }: Problem): Record<string, string> {
  return {
    'content-type': 'application/problem+json',
    // RFC 9110 asks for these two with 401 and 405.
    ...(status === 401 ? { 'www-authenticate': 'Bearer realm="beryl"' } : {}),
    ...(typeof retryAfterS === 'number' ? { 'retry-after': String(retryAfterS) } : {}),
    ...(status === 405 && Array.isArray(allow) ? { allow: allow.join(', ') } : {}),
  }
}
