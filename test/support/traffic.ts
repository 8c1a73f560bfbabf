/** Steady traffic from the client's side: what was sent, who answered, and what was not answered. */
import { Agent, request } from 'node:http'

export type Answer = { version: string; status: number; sentAt: number; answeredAt: number }

export type Counts = {
  sent: number
  byVersion: Record<string, number>
  /** Answers of 500 and above, by version: the model's own doing. */
  badByVersion: Record<string, number>
  /** No whole answer came, or one that no version gave. */
  lost: readonly string[]
  answers: readonly Answer[]
}

export type Traffic = {
  counts(): Counts
  stop(): Promise<Counts>
  atLeast(answers: number): Promise<void>
}

const requestTimeoutMs = 15_000

/**
 * @param concurrency clients; every second request of each opens a new connection
 * @param keepAlive false: every request opens one. Of a kept one a client may learn too late that its other end has died
 * @param text of request number `sent`
 * @param host asked for, in place of the gateway's own
 * @param ignore an answer of the gateway's own that is expected, by its code: asked again
 */
export function steadyTraffic(
  gateway: string,
  {
    concurrency = 4,
    pauseMs = 12,
    keepAlive = true,
    ignore = '',
    host = '',
    text: textOf = (nth: number) => 'x'.repeat(1 + (nth % 30)),
  } = {},
): Traffic {
  const kept = new Agent({ keepAlive: true, maxSockets: concurrency })
  const answers: Answer[] = []
  const lost: string[] = []
  let sent = 0
  let stopped = false
  const clients = Array.from({ length: concurrency }, () => client())

  return {
    counts,
    atLeast: async (count) => {
      const goal = answers.length + count
      while (answers.length < goal && !stopped)
        await new Promise((resolve) => setTimeout(resolve, 5))
    },
    stop: async () => {
      stopped = true
      await Promise.all(clients)
      kept.destroy()
      return counts()
    },
  }

  async function client(): Promise<void> {
    for (let turn = 0; !stopped; turn++) {
      const sentAt = performance.now()
      sent++
      await ask(keepAlive && turn % 2 === 0 ? kept : null, sentAt).then(
        (answer) => answers.push(answer),
        (error: unknown) => lost.push((error as Error).message),
      )
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  function ask(agent: Agent | null, sentAt: number): Promise<Answer> {
    const body = JSON.stringify({ text: textOf(sent) })
    return new Promise((resolve, reject) => {
      const outgoing = request(
        `${gateway}/predict`,
        {
          method: 'POST',
          agent: agent ?? false,
          headers: {
            'content-type': 'application/json',
            'content-length': body.length,
            ...(host === '' ? {} : { host }),
          },
          signal: AbortSignal.timeout(requestTimeoutMs),
        },
        (incoming) => {
          incoming.on('error', reject)
          let text = ''
          incoming.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
          incoming.on('end', () => {
            const version = String(incoming.headers['beryl-version'] ?? '')
            const status = incoming.statusCode ?? 0
            if (version === '' && ignore !== '' && text.includes(`"${ignore}"`))
              return resolve({ version, status, sentAt, answeredAt: performance.now() })
            if (version === '') return reject(new Error(`status ${status} from no version`))
            resolve({ version, status, sentAt, answeredAt: performance.now() })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(body)
    })
  }

  function counts(): Counts {
    const byVersion: Record<string, number> = {}
    const badByVersion: Record<string, number> = {}
    for (const { version, status } of answers) {
      if (version === '') continue
      byVersion[version] = (byVersion[version] ?? 0) + 1
      if (status >= 500) badByVersion[version] = (badByVersion[version] ?? 0) + 1
    }
    return { sent, byVersion, badByVersion, lost, answers }
  }
}

/** Answers of `old` to requests that were sent after the first answer of `next`. For traffic that moved once. */
export function oldAfterNew(answers: readonly Answer[], old: string, next: string): number {
  const first = firstAnswer(answers, next)
  return answers.filter(({ version, sentAt }) => version === old && sentAt > first).length
}

/**
 * For traffic that moved to `next` and back, by the client's clock alone: an answer of `old` must not lie whole between the
 * first answer of `next` and a request that `next` still answered. One criterion for both moves.
 */
export function mixed(answers: readonly Answer[], old: string, next: string): number {
  const first = firstAnswer(answers, next)
  const last = Math.max(
    ...answers.filter(({ version }) => version === next).map((one) => one.sentAt),
  )
  return answers.filter(
    ({ version, sentAt, answeredAt }) => version === old && sentAt > first && answeredAt < last,
  ).length
}

function firstAnswer(answers: readonly Answer[], of: string): number {
  return Math.min(
    ...answers.filter(({ version }) => version === of).map(({ answeredAt }) => answeredAt),
  )
}
