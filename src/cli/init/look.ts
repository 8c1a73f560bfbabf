/** What answers at an address: an OpenAI-style server, one of KServe V2, or plain HTTP? It is asked with GET, and where only HTTP/2 is spoken for its health. */
import { ask, jsonOf } from './ask.ts'
import { lookInHttp2 } from './look-http2.ts'
import type { Address, Said } from './ask.ts'

export type Kind = 'openai' | 'kserve-v2' | 'http' | 'grpc'

export type Found = {
  address: Address
  kind: Kind
  /** It speaks nothing else; gRPC says so by itself. */
  upstream?: 'http2'
  /** What it says it serves, or what it calls itself; empty where it does not say. */
  names: readonly string[]
  /** Which path answered 2xx; null where none did. */
  ready: string | null
  /** Statuses of the paths that did not, e.g. `/health 404`. */
  refused: readonly string[]
}

/** Where model servers usually listen: vLLM and Triton, llama.cpp, Ollama, SGLang, MLflow and Flask, BentoML, TF Serving, Triton's second, MLServer's metrics. */
export const usualPorts = [8000, 8080, 11434, 30000, 5000, 3000, 8501, 8001, 8002, 9000] as const

/** On loopback a server that answers at all does so in a moment; one that loads its weights has seconds. */
const lookMs = { near: 1000, asked: 5000 } as const
const readyPaths = ['/health', '/healthz', '/ready', '/'] as const

/** @param trouble told why nobody answered @returns null when nobody answers there in HTTP, or it is Beryl itself */
export async function lookAt(
  address: Address,
  timeoutMs: number = lookMs.asked,
  trouble: (why: string) => void = () => {},
): Promise<Found | null> {
  const get = (path: string) => ask(address, path, timeoutMs, trouble)
  const [models, server, health] = await Promise.all([
    get('/v1/models'),
    get('/v2'),
    get('/v2/health/ready'),
  ])
  const answers = [models, server, health].filter((said) => said !== null)
  if (answers.some(isBeryl)) return null
  if (answers.length === 0) return lookInHttp2(address, timeoutMs, trouble)
  if (server !== null && health !== null && isKserve(server)) {
    const name = (jsonOf(server) as { name: string }).name
    const path = '/v2/health/ready'
    const isReady = isGood(health)
    return {
      address,
      kind: 'kserve-v2',
      names: [name],
      ready: path,
      refused: isReady ? [] : [`${path} ${health.status}`],
    }
  }
  const names = models !== null && isGood(models) ? modelNames(jsonOf(models)) : null
  const paths = names === null ? readyPaths : [...readyPaths.slice(0, 3), '/v1/models']
  const { ready, refused } = await readyPath(paths, get)
  return {
    address,
    kind: names === null ? 'http' : 'openai',
    names: names ?? [],
    ready,
    refused,
  }
}

/** All usual ports of this machine at once, in their order. */
export async function lookAround(
  host: string,
  ports: readonly number[] = usualPorts,
): Promise<Found[]> {
  const all = await Promise.all(ports.map((port) => lookAt({ host, port }, lookMs.near)))
  return all.filter((found) => found !== null)
}

async function readyPath(
  paths: readonly string[],
  get: (path: string) => Promise<Said | null>,
): Promise<{ ready: string | null; refused: string[] }> {
  const refused: string[] = []
  for (const path of paths) {
    const said = await get(path)
    if (said !== null && isGood(said)) return { ready: path, refused }
    refused.push(`${path} ${said === null ? 'no answer' : said.status}`)
  }
  return { ready: null, refused }
}

function isGood({ status }: Said): boolean {
  return status >= 200 && status < 300
}

/** Server metadata: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol */
function isKserve(said: Said): boolean {
  const server = jsonOf(said)
  return (
    isGood(said) &&
    isMapping(server) &&
    typeof server['name'] === 'string' &&
    Array.isArray(server['extensions'])
  )
}

function modelNames(list: unknown): string[] | null {
  if (!isMapping(list) || !Array.isArray(list['data'])) return null
  return list['data'].flatMap((one: unknown) =>
    isMapping(one) && typeof one['id'] === 'string' ? [one['id']] : [],
  )
}

/** In front of itself it would ask itself for ever. */
function isBeryl(said: Said): boolean {
  if (Object.keys(said.headers).some((name) => name.startsWith('beryl-'))) return true
  const problem = jsonOf(said)
  return (
    said.headers['content-type'] === 'application/problem+json' &&
    isMapping(problem) &&
    String(problem['hint']).startsWith('beryl ')
  )
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
