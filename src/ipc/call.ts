/** Calls another Beryl process over its Unix socket: JSON there, JSON back, always with a time limit. */
import { Agent, request } from 'node:http'
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
  // One of its own: a connection that is kept for later leads to whoever served there when it was made. But one that is to be closed after
  // this would be closed under a body that is refused, and the refusal be lost with it.
  const agent = new Agent({ keepAlive: true })
  const answered = new Promise<Answer>((resolve, reject) => {
    const outgoing = request(
      {
        socketPath,
        agent,
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
  return answered.finally(() => agent.destroy())
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
