/**
 * One request to a server of the user's, outside of what is tested: bounded in time and size. What failed on its way is tried
 * again; what was answered is the answer, whatever it is. Redirects are not followed: where a verdict comes from is said in
 * the manifest.
 */
import { request as requestHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

export type Call = {
  method: 'GET' | 'POST'
  url: string
  headers: Readonly<Record<string, string>>
  body: string | null
}

export type Called = { status: number; body: string }

const bodyMaxBytes = 1024 * 1024
const triesMax = 4
const firstPauseMs = 200

/** The server cannot be asked, or its answer not be taken: says nothing about the candidate. */
export class CallError extends Error {
  override name = 'CallError'
}

/** @throws CallError; the reason of `signal` once that is aborted */
export async function callOut(call: Call, signal: AbortSignal): Promise<Called> {
  for (let tries = 1; ; tries++) {
    try {
      return await once(call, signal)
    } catch (cause) {
      signal.throwIfAborted()
      if (cause instanceof CallError) throw cause
      if (tries === triesMax)
        throw new CallError(
          `no answer from ${originOf(call.url)} in ${triesMax} tries: ${(cause as Error).message}`,
          { cause },
        )
    }
    await sleep(firstPauseMs * 2 ** (tries - 1), null, { signal }).catch(() =>
      signal.throwIfAborted(),
    )
  }
}

/** Where it goes, without what may be secret in a path or query. */
export function originOf(url: string): string {
  return new URL(url).origin
}

function once({ method, url, headers, body }: Call, signal: AbortSignal): Promise<Called> {
  const { promise, resolve, reject } = Promise.withResolvers<Called>()
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  const outgoing = request(url, {
    method,
    // A connection of its own: one that was kept may be closed just now.
    agent: false,
    signal,
    headers: {
      accept: 'application/json',
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...headers,
      ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
    },
  })
  outgoing.on('error', reject)
  let answering = false
  outgoing.on('response', (incoming) => {
    answering = true
    void read(incoming).then(resolve, reject)
  })
  outgoing.on('close', () => {
    // Where an answer has begun, this may come before its end.
    if (!answering) reject(new Error('the connection was closed without an answer'))
  })
  outgoing.end(body ?? undefined)
  return promise.finally(() => outgoing.destroy())

  async function read(incoming: IncomingMessage): Promise<Called> {
    const status = incoming.statusCode ?? 0
    if (status >= 300 && status < 400)
      throw new CallError(
        `${originOf(url)} redirects (status ${status}), and redirects are not followed: give the address itself`,
      )
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > bodyMaxBytes)
        throw new CallError(`the answer of ${originOf(url)} is larger than ${bodyMaxBytes} bytes`)
      chunks.push(chunk)
    }
    return { status, body: Buffer.concat(chunks).toString() }
  }
}
