/** For tests only: servers of a user's that behave in all ways, and what a gate of theirs is told. */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Verdict } from '../../release/release.ts'
import type { Examination } from '../examination.ts'
import type { About, Target } from '../gate.ts'

export type Asked = {
  method: string
  url: URL
  headers: IncomingMessage['headers']
  body: string
}

/** Closed when the test ends. @param answers gets the request with its whole body */
export async function userServer(
  context: TestContext,
  answers: (response: ServerResponse, asked: Asked, count: number) => unknown,
): Promise<{ url: string; asked: Asked[] }> {
  const all: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const url = new URL(request.url!, 'http://test')
      const body = Buffer.concat(chunks).toString()
      const asked = { method: request.method!, url, headers: request.headers, body }
      all.push(asked)
      answers(response, asked, all.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  context.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: all }
}

export const candidate: Target = {
  version: 'v2',
  environment: 'green',
  addresses: ['10.0.0.2:8000'],
}
export const live: Target = { version: 'v1', environment: 'blue', addresses: ['10.0.0.1:8000'] }
export const about: About = { service: 'tiny', release: 'r7', gate: 'webhook', attempt: '2' }

/** The gate as the examiner runs it: at its deadline it is told to end; an error is undecided. */
export async function within(
  ms: number,
  gate: (examination: Examination) => Promise<Verdict>,
): Promise<Verdict> {
  const abort = new AbortController()
  const limit = setTimeout(() => abort.abort(new Error(`not done within ${ms} ms`)), ms)
  try {
    return await gate({ signal: abort.signal, progress: () => {} })
  } catch (error) {
    return { verdict: 'undecided', because: (error as Error).message, evidence: {} }
  } finally {
    clearTimeout(limit)
  }
}

/** A port on which nobody listens. */
export async function nobody(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}
