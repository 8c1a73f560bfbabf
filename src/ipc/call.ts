/** Calls another Beryl process over its Unix socket: JSON there, JSON back, always with a time limit. */
import { request } from 'node:http'
import { isProblem, ProblemError } from './problem.ts'

export type Call = {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  path: string
  body?: unknown
  timeoutMs: number
}

/** @throws ProblemError with the callee's problem document, or `code: 'unreachable'` when nobody answers in time. */
export function call<Answer>(
  socketPath: string,
  { method, path, body, timeoutMs }: Call,
): Promise<Answer> {
  const text = body === undefined ? '' : JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        // A connection that is kept leads to whoever served there when it was made.
        agent: false,
        method,
        path,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', (cause) => reject(unreachable(socketPath, method, path, cause)))
        incoming.on('end', () => {
          try {
            const answer: unknown = JSON.parse(Buffer.concat(chunks).toString() || 'null')
            if ((incoming.statusCode ?? 500) < 400) resolve(answer as Answer)
            else if (isProblem(answer)) reject(new ProblemError(answer))
            else
              reject(
                new Error(
                  `${method} ${path} answered ${incoming.statusCode}: ${JSON.stringify(answer)}`,
                ),
              )
          } catch (cause) {
            reject(
              new Error(
                `${method} ${path} answered ${incoming.statusCode} with something that is not JSON`,
                { cause },
              ),
            )
          }
        })
      },
    )
    outgoing.on('error', (cause) => reject(unreachable(socketPath, method, path, cause)))
    outgoing.end(text)
  })
}

function unreachable(socketPath: string, method: string, path: string, cause: Error): ProblemError {
  return new ProblemError(
    {
      status: 503,
      code: 'unreachable',
      title: `${method} ${path}: nobody answers at ${socketPath} (${cause.message})`,
    },
    { cause },
  )
}
