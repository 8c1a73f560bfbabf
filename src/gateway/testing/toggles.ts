/** Traffic over a switch, from the client's side: which generation answered what was sent when. */
import { Agent } from 'node:http'
import { ask } from './gateway.ts'

export type Seen = { generation: number; version: string; sentAt: number; answeredAt: number }

/** Half of the clients keep their connections, half open a new one for each request. */
export function openClients(base: string, count: number) {
  const kept = new Agent({ keepAlive: true, maxSockets: count })
  const seen: Seen[] = []
  const lost: string[] = []
  let stopped = false
  const clients = Array.from({ length: count }, (_, index) =>
    client(index % 2 === 0 ? kept : false),
  )

  return {
    seen,
    lost,
    stop: async () => {
      stopped = true
      await Promise.all(clients)
      kept.destroy()
    },
  }

  async function client(agent: Agent | false): Promise<void> {
    while (!stopped) {
      const sentAt = performance.now()
      const answer = await ask(base, { agent, method: 'POST', body: 'question' }).catch(
        (error: unknown) => (error as Error).message,
      )
      if (typeof answer === 'string' || answer.status !== 200) {
        lost.push(typeof answer === 'string' ? answer : `${answer.status} ${answer.text}`)
        continue
      }
      const generation = generationIn(String(answer.headers['beryl-request-id']))
      seen.push({ generation, version: answer.text, sentAt, answeredAt: performance.now() })
    }
  }
}

/** The signed id says which table chose. */
function generationIn(requestId: string): number {
  return Number(Buffer.from(requestId.split('.', 1)[0]!, 'base64url').toString().split('\n')[5])
}

/** Answers by an older generation to requests that were sent after somebody had an answer by a newer one. */
export function oldAfterNew(seen: readonly Seen[]): Seen[] {
  const byAnswer = seen.toSorted((a, b) => a.answeredAt - b.answeredAt)
  const bySent = seen.toSorted((a, b) => a.sentAt - b.sentAt)
  let newest = 0
  let next = 0
  return bySent.filter(({ generation, sentAt }) => {
    while (next < byAnswer.length && byAnswer[next]!.answeredAt < sentAt)
      newest = Math.max(newest, byAnswer[next++]!.generation)
    return generation < newest
  })
}
