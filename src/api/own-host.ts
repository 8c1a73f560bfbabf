/**
 * On loopback only local programs should reach the API. A page on the web can: it gives its own name the address 127.0.0.1 (DNS
 * rebinding), and its requests then count as its own origin. They still carry that name in Host, which no local program sends.
 */
import type { MiddlewareHandler } from 'hono'
import { ProblemError } from '../ipc/problem.ts'

/** @param boundTo the host of `api.listen`; off loopback any name may be right, and nothing is checked */
export function ownHostOnly(boundTo: string): MiddlewareHandler {
  const checked = isLoopback(boundTo)
  return async (context, next) => {
    const host = context.req.header('host') ?? ''
    if (checked && !isLoopback(nameIn(host)))
      throw new ProblemError({
        status: 421,
        code: 'wrong-host',
        title: `this API listens on ${boundTo} and answers to local names only, not to ${JSON.stringify(host.slice(0, 100))}`,
        hint: 'send Host: localhost or the address; behind a proxy, let the proxy do so',
      })
    await next()
  }
}

function nameIn(host: string): string {
  return host
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase()
}

function isLoopback(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    /^127(\.\d{1,3}){3}$/.test(name)
  )
}
