/**
 * The switch under load: a thousand toggles with new and kept connections mixed. A breach is an old answer to a request that was sent
 * after anybody had received a new one; a single toggle with kept connections alone would prove nothing.
 */
import { Agent, request } from 'node:http'
import { beryl } from './proxies.ts'

const count = 1000
const clients = 16

/** @returns goals missed */
export async function toggles(upstreams: readonly [number, number]): Promise<number> {
  const proxy = await beryl(upstreams, { workers: 2 })
  const kept = new Agent({ keepAlive: true, maxSockets: clients })
  let [stopped, lost, sent] = [false, 0, 0]
  const answers: { version: string; sentAt: number; at: number }[] = []
  const running = Array.from({ length: clients }, async (_, index) => {
    for (let turn = 0; !stopped; turn++) {
      const sentAt = performance.now()
      sent++
      const version = await ask(proxy.port, (turn + index) % 2 === 0 ? kept : null).catch(
        () => null,
      )
      if (version === null) lost++
      else answers.push({ version, sentAt, at: performance.now() })
    }
  })
  const took: number[] = []
  const sync: number[] = []
  let breaches = 0
  for (let generation = 2; generation < count + 2; generation++) {
    const from = performance.now()
    const stored = await proxy.client.putTable('bench', {
      table: proxy.table(generation),
      back: null,
    })
    took.push(performance.now() - from)
    sync.push(stored.syncMs)
    // Until both sides of the toggle have been seen: then it can be judged.
    const seen = answers.length
    while (answers.length < seen + 2 * clients)
      await new Promise((resolve) => setImmediate(resolve))
    const [now, before] = generation % 2 === 0 ? ['v2', 'v1'] : ['v1', 'v2']
    const since = answers.filter(({ at }) => at >= from)
    const first = Math.min(...since.filter(({ version }) => version === now).map(({ at }) => at))
    breaches += since.filter(({ version, sentAt }) => version === before && sentAt > first).length
    answers.length = 0
  }
  stopped = true
  await Promise.all(running)
  kept.destroy()
  await proxy.stop()
  const at = (values: number[], share: number) =>
    values.toSorted((a, b) => a - b)[Math.floor(share * values.length)]!.toFixed(2)
  console.log(
    `\nswitch: ${count} toggles under ${sent} requests, new and kept connections mixed, two workers`,
  )
  console.log(
    `  old answers after a new one: ${breaches}   lost: ${lost}   goal 0 and 0: ${breaches + lost === 0 ? 'held' : 'MISSED'}`,
  )
  console.log(
    `  from the command to done: median ${at(took, 0.5)} ms, p99 ${at(took, 0.99)} ms; disk sync of it: median ${at(sync, 0.5)} ms, p99 ${at(sync, 0.99)} ms`,
  )
  return breaches + lost === 0 ? 0 : 1
}

function ask(port: number, agent: Agent | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { port, host: '127.0.0.1', path: '/small', agent: agent ?? false },
      (incoming) => {
        incoming.resume()
        incoming.on('end', () => resolve(String(incoming.headers['beryl-version'])))
        incoming.on('error', reject)
      },
    )
    outgoing.on('error', reject)
    outgoing.end()
  })
}
