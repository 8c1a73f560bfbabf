/** For tests only: servers whose capacity is known, on a clock; they compute nothing. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type Known = { address: string; asked: { body: string; at: number }[] }

/**
 * One request at a time, each taking `serviceMs` of the clock: it carries 1000 / serviceMs a second, and no more. Whatever
 * timers round, the next one begins when the one before was due.
 */
export function oneAtATime(context: TestContext, serviceMs: number): Promise<Known> {
  let freeAt = 0
  return known(context, (response) => {
    freeAt = Math.max(freeAt, performance.now()) + serviceMs
    setTimeout(() => response.end('{}'), freeAt - performance.now())
  })
}

/** Answers at once, but for one pause: all that comes in it is answered at its end. */
export function stalling(
  context: TestContext,
  { afterMs, forMs }: { afterMs: number; forMs: number },
): Promise<Known> {
  let first: number | null = null
  return known(context, (response) => {
    first ??= performance.now()
    const since = performance.now() - first - afterMs
    if (since < 0 || since > forMs) response.end('{}')
    else setTimeout(() => response.end('{}'), forMs - since)
  })
}

export async function known(
  context: TestContext,
  answer: (response: ServerResponse, count: number) => void,
): Promise<Known> {
  const asked: Known['asked'] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      asked.push({ body: Buffer.concat(chunks).toString(), at: performance.now() })
      answer(response, asked.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
