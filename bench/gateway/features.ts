/** What each feature costs: those that can be left out beside the default, in the same rounds; the others by themselves. */
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { openCounter } from '../../src/gateway/counter.ts'
import type { Flight } from '../../src/gateway/forward.ts'
import { answerLines, requestLines } from '../../src/gateway/headers.ts'
import { openNotebook } from '../../src/gateway/notebook.ts'
import { signerOf } from '../../src/gateway/request-id.ts'
import { makeShared, openShared } from '../../src/gateway/shared.ts'
import type { SlottedEnvironment, SlottedTable } from '../../src/gateway/slotted.ts'
import { parseFields } from '../../src/gateway/wire/fields.ts'
import type { ParsedFields } from '../../src/gateway/wire/fields.ts'
import type { Costs, Work } from './more.ts'
import { beryl, freePort } from './proxies.ts'

const mebibyte = 1024 * 1024

/** @returns ratios to the default, by feature: what it would be without the observations, and with the others */
export async function featureCosts(
  model: number,
  work: Work,
  costs: Costs,
): Promise<{ observed: number[]; others: Map<string, number[]>; micros: number }> {
  const models = [model, model] as const
  const preview = { host: '127.0.0.1', port: await freePort() }
  const accessLog = (share: number) => ({
    more: { accessLog: { file: 'access.jsonl', share, maxBytes: mebibyte, keep: 1 } },
  })
  const alive = { path: '/small', everyMs: 1000, timeoutMs: 500, failures: 3 }
  const base = await beryl(models, { preview })
  const made = new Map([
    ['id only', await beryl(models, { more: { headers: 'id' } })],
    ['access log 1%', await beryl(models, accessLog(0.01))],
    ['access log all', await beryl(models, accessLog(1))],
    ['health, 1 s', await beryl(models, { alive })],
    ['tap 5 %', await beryl(models)],
    ['public sockets', await beryl(models, { env: { BERYL_PUBLIC_SOCKETS: '1' } })],
  ])
  const tapped = made.get('tap 5 %')!
  const examiner = await listening(tapped.tapSocket)
  await tapped.client.tap('bench', { share: 0.05, methods: ['POST'], exclude: [] })
  try {
    const found = await costs(
      [
        { ...base, name: 'default' },
        // What goes through the preview listener is no evidence, and else the same.
        { ...base, name: 'not observed', port: preview.port },
        ...[...made].map(([name, proxy]) => ({ ...proxy, name })),
      ],
      work,
    )
    const usual = found.get('default')!
    const ratios = (name: string) => found.get(name)!.map((cost, round) => cost / usual[round]!)
    return {
      observed: ratios('not observed'),
      others: new Map([...made.keys()].map((name) => [name, ratios(name)])),
      micros: usual.toSorted((a, b) => a - b)[usual.length >> 1]! * 1e6,
    }
  } finally {
    for (const proxy of [base, ...made.values()]) await proxy.stop()
    examiner.close()
  }
}

/** Reads, and throws away. */
async function listening(path: string): Promise<{ close(): void }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).resume()
  }).listen(path)
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const turns = 300_000

/** µs, by part: a loop is kinder to caches than a request is. */
export function partCosts(): Map<string, number> {
  const environment = {
    environment: 'blue',
    version: 'v1',
    release: 'r1',
    replicas: [],
  } as unknown as SlottedEnvironment
  const table = { service: 'bench', generation: 1 } as SlottedTable
  const sign = signerOf(Buffer.alloc(32, 1), 'run', table, environment)
  const counter = openCounter(() => {})
  const claim = { environment, table }
  const flight = { claim, bytesIn: 300, bytesOut: 200, tries: 1 } as Flight
  const ended = { outcome: 'ok', status: 200, firstByteMs: 1.5, totalMs: 2.5 } as const
  const notebook = openNotebook((batch) => notebook.taken(batch.count), openShared(makeShared(1)))
  const subject = {
    service: 'bench',
    environment: 'blue',
    version: 'v1',
    release: 'r1',
    replica: 'v1',
    generation: 1,
  } as const
  const fields = parseFields(
    'Host: bench\r\nContent-Type: application/json\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nContent-Length: 300\r\n',
  ) as ParsedFields
  const exchange = { fields, remoteAddress: '127.0.0.1', secure: false, upgrade: false }
  const own = { version: 'v1', environment: 'blue', requestId: sign(1, Date.now(), 0) }
  let length = 0
  const written = Buffer.alloc(4096)
  // Text is put together only where it is written.
  const write = (text: string) => (length += written.write(text, 'latin1'))
  const parts: Record<string, (turn: number) => void> = {
    'request id': (turn) => write(sign(turn, 1_800_000_000_000, 0)),
    headers: () => write(requestLines(exchange) + answerLines(fields, own, 'full')),
    counters: () => counter.ended(flight, ended),
    observation: (seq) => {
      if (notebook.notes('bench', 0, seq))
        notebook.add(environment, { ...subject }, { seq, at: 1e12, client: 0, ...ended })
    },
  }
  const costs = new Map(Object.entries(parts).map(([name, part]) => [name, timed(part)]))
  if (length === 0) throw new Error('nothing was made')
  return costs
}

function timed(part: (turn: number) => void): number {
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    const from = performance.now()
    for (let turn = 0; turn < turns; turn++) part(turn)
    best = Math.min(best, ((performance.now() - from) / turns) * 1000)
  }
  return best
}
