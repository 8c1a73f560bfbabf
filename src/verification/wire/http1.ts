/** Requests in HTTP/1.1, on connections that are kept for a moment. */
import { Agent, request } from 'node:http'
import type { ClientRequest } from 'node:http'
import { Agent as SecureAgent, request as requestSecurely } from 'node:https'
import { peerOptions, peerTrouble } from '../../tls/peer.ts'
import { timerMs } from '../timer-ms.ts'
import { answerMaxBytes, idleMs, NoAnswer, tooLarge, tooLate } from './exchange.ts'
import type { Received, Sent, To, Way } from './exchange.ts'

/** @param connections to one address; further requests wait */
export function openHttp1(connections: number): Way {
  const options = { keepAlive: true, maxSockets: connections, timeout: idleMs }
  const agents = { plain: new Agent(options), secure: new SecureAgent(options) }
  const open = new Set<ClientRequest>()
  return {
    exchange(sent, to) {
      const begun = performance.now()
      const outgoing = begin(agents, sent, to)
      open.add(outgoing)
      const limit = setTimeout(() => outgoing.destroy(tooLate(to.timeoutS)), timerMs(to.timeoutS))
      const answer = hear(outgoing, begun)
      outgoing.end(sent.body)
      return answer.finally(() => {
        clearTimeout(limit)
        open.delete(outgoing)
      })
    },
    cut(why) {
      for (const outgoing of open) outgoing.destroy(why)
    },
    close() {
      agents.plain.destroy()
      agents.secure.destroy()
    },
  }
}

function begin(
  agents: { plain: Agent; secure: SecureAgent },
  { method, target, headers }: Sent,
  { host, port, tls }: To,
): ClientRequest {
  const asked = { host, port, path: target, method, headers }
  return tls === undefined
    ? request({ ...asked, agent: agents.plain })
    : requestSecurely({ ...asked, agent: agents.secure, ...peerOptions(tls, host) })
}

function hear(outgoing: ClientRequest, begun: number): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  const broken = (cause: Error) =>
    reject(cause instanceof NoAnswer ? cause : new NoAnswer(peerTrouble(cause), false, { cause }))
  let answering = false
  outgoing.on('close', () => {
    // An upgrade that nobody asked for ends so, without an error. Where an answer has begun, this may come before its end.
    if (!answering) broken(new Error('the connection was closed without an answer'))
  })
  outgoing.on('error', broken)
  outgoing.on('response', (incoming) => {
    answering = true
    const chunks: { bytes: Buffer; ms: number }[] = []
    let size = 0
    incoming.on('data', (bytes: Buffer) => {
      size += bytes.length
      if (size <= answerMaxBytes) chunks.push({ bytes, ms: performance.now() - begun })
      else outgoing.destroy(tooLarge())
    })
    // Destroyed by us or cut by the other side: `outgoing` knows which.
    incoming.on('error', () =>
      broken(
        outgoing.errored ?? new Error('the connection was closed in the middle of the answer'),
      ),
    )
    incoming.on('end', () => {
      const { statusCode: status = 0, headers } = incoming
      resolve({ status, headers, chunks, ms: performance.now() - begun })
    })
  })
  return promise
}
