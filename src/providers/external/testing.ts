/** For tests only: servers that nobody but the test starts, and a provider that is given their addresses. */
import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Bench, Kind } from '../provider.contract.ts'
import type { Address, ExternalSpec, Labels, Looks, Provider } from '../provider.ts'
import { journalFake, looksOf, silentLog } from '../testing.ts'
import { externalProvider } from './external-provider.ts'

/** A server of the user's: what it says about itself may change under its address, as when a person deploys there. */
export type Theirs = {
  address: Address
  version: string
  /** 200 until it is changed. */
  status: number
  /** How often it was asked whether it is ready. */
  asked: number
  close(): Promise<void>
}

const perPlace = 3

export type ExternalBench = Awaited<ReturnType<typeof externalBench>>

export async function externalBench() {
  const servers: Theirs[] = []
  const some = async (status: number): Promise<Theirs[]> =>
    Promise.all(Array.from({ length: perPlace }, () => theirs({ status })))
  const places: Record<Kind, Record<'blue' | 'green', Theirs[]>> = {
    serves: { blue: await some(200), green: await some(200) },
    'never ready': { blue: await some(503), green: await some(503) },
  }
  for (const { blue, green } of Object.values(places)) servers.push(...blue, ...green)
  const journal = journalFake<ExternalSpec>()
  return {
    journal,
    places,
    provider: () => externalProvider({ journal, log: silentLog }),
    spec: (kind: Kind, change: Partial<Labels & Looks> = {}): ExternalSpec => {
      const { blue, green } = places[kind]
      const of = (all: Theirs[]) => all.map(({ address }) => address)
      return {
        ...looksOf(),
        provider: 'external',
        places: { blue: of(blue), green: of(green) },
        ...change,
      }
    },
    ask: ({ host, port }: Address) => askJson({ host, port }),
    failJournal: (message: string | null) => journal.failWith(message),
    dispose: async () => void (await Promise.all(servers.map((server) => server.close()))),
  } satisfies Bench<ExternalSpec> & Record<string, unknown>
}

/** For one test: a bench with an open provider; afterwards nothing of either is left. */
export async function withClaims(
  act: (provider: Provider<ExternalSpec>, bench: ExternalBench) => Promise<void>,
): Promise<void> {
  const bench = await externalBench()
  const provider = bench.provider()
  try {
    await provider.open()
    await act(provider, bench)
  } finally {
    await provider.close()
    await bench.dispose()
  }
}

export async function theirs({
  status = 200,
  version = 'v1',
  host = '127.0.0.1',
  port = 0,
  secure = null as { cert: string; key: string } | null,
} = {}): Promise<Theirs> {
  const server = await listening({ host, port }, secure, (request, response) => {
    const ofVersion = request.url === '/version'
    if (!ofVersion) one.asked++
    response.writeHead(ofVersion ? 200 : one.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(ofVersion ? { version: one.version } : { port: one.address.port }))
  })
  const one: Theirs = {
    address: { host, port: (server.address() as AddressInfo).port },
    version,
    status,
    asked: 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return one
}

function listening(
  at: Address,
  secure: { cert: string; key: string } | null,
  answer: RequestListener,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = secure === null ? createServer(answer) : createSecureServer(secure, answer)
    server.once('error', reject)
    server.listen(at, () => resolve(server))
  })
}

export async function askJson({ host, port }: Address): Promise<unknown> {
  try {
    const name = host.includes(':') ? `[${host}]` : host
    const signal = AbortSignal.timeout(2000)
    const headers = { connection: 'close' }
    return await (await fetch(`http://${name}:${port}/`, { signal, headers })).json()
  } catch {
    return null
  }
}
