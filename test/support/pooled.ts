/** Two services, `tiny` and `rank`, whose standbys share a pool; their own replicas are the server of `examples/pool`. */
import { fileURLToPath } from 'node:url'
import type { ReleaseView } from '../../src/api/shapes.ts'
import type { Running } from './beryl.ts'

export const poolProgram = fileURLToPath(new URL('../../examples/pool/server.ts', import.meta.url))

/** `tiny-v1` and so on: what a model is called in the pool. */
export const poolNames = ['tiny-v1', 'tiny-v2', 'rank-w1', 'rank-w2'] as const
export type PoolName = (typeof poolNames)[number]

/** @param pool the keys of `pools.spare` @param directoryOf where the model is that its own server loads */
export function pooledManifest({
  pool,
  directoryOf,
  readyWithin = '5s',
}: {
  pool: string
  readyWithin?: string
  directoryOf: (name: PoolName) => string
}): string {
  const of = (name: 'tiny' | 'rank', path: string, versions: readonly PoolName[]) => `
  ${name}:
    route: { path: ${path} }
    protocol: kserve-v2
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(poolProgram)}, --port, "{port}", --load, ${name}, "${name}={model}"]
      ready: { path: /v2/models/${name}/ready, within: ${readyWithin} }
      alive: { every: 500ms, timeout: 2s, failures: 3 }
      stop: { grace: 1s }
    versions:
      ${versions.map((one) => `${one.slice(5)}: { model: ${directoryOf(one)} }`).join('\n      ')}
    switch: { when: verified, drain: 20s }
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 1s }, { shared: 10m, pool: spare, model: "${name}-{version}" }]`
  return `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 1 }
api: { listen: 127.0.0.1:0 }
pools:
  spare: { ${pool} }
services:${of('tiny', '/', ['tiny-v1', 'tiny-v2'])}${of('rank', '/v2/models/rank', ['rank-w1', 'rank-w2'])}
`
}

export function deployIn(beryl: Running, service: string, version: string): Promise<ReleaseView> {
  return beryl.api<ReleaseView>('POST', `/services/${service}/releases`, { version })
}

/** The first version of each: nothing judges it but a person. */
export async function bothLive(beryl: Running): Promise<void> {
  for (const [service, version] of [
    ['tiny', 'v1'],
    ['rank', 'w1'],
  ] as const) {
    const { id } = await deployIn(beryl, service, version)
    await beryl.api('POST', `/releases/${id}/approve`, {})
    await beryl.until(id, ({ phase }) => phase === 'finished', 'live')
  }
}

/** By the server's own word. */
export async function loadedIn(url: string): Promise<string[]> {
  const response = await fetch(`${url}/v2/repository/index`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: '{}',
  })
  const index = (await response.json()) as { name: string; state: string }[]
  return index.filter(({ state }) => state === 'READY').map(({ name }) => name)
}

export type Inferred = { status: number; version: string | null; model: string; language: string }

/** @throws where nobody answers, or not in the protocol's words */
export async function inferred(gateway: string, name: string, text: string): Promise<Inferred> {
  const inputs = [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }]
  const response = await fetch(`${gateway}/v2/models/${name}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  })
  const { status } = response
  const body = await response.text()
  if (status !== 200) return { status, version: null, model: '', language: body }
  const said = JSON.parse(body) as { model_name: string; outputs: { data: string[] }[] }
  const version = response.headers.get('beryl-version')
  return { status, version, model: said.model_name, language: said.outputs[0]!.data[0]! }
}
