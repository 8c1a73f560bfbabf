/** What answers at an address where nobody speaks HTTP/1.1: a server of gRPC, or one of HTTP/2 only. Asked for its health, nothing else. */
import { askHttp2, isSaidInGrpc, statusSaid } from '../../probe/ask-http2.ts'
import type { Address } from './ask.ts'
import type { Found } from './look.ts'

/** Of KServe V2, then the usual one: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const methods = ['/inference.GRPCInferenceService/ServerReady', '/grpc.health.v1.Health/Check']
const paths = ['/health', '/healthz', '/ready', '/']

/** @param trouble told where the server would speak, and is not believed @returns null when nobody answers in HTTP/2 either */
export async function lookInHttp2(
  address: Address,
  timeoutMs: number,
  trouble: (why: string) => void,
): Promise<Found | null> {
  const { host, port, tls } = address
  const asked = (speaks: 'grpc' | 'http2', path: string) =>
    askHttp2({ host, port, tls, speaks, path, timeoutMs })
  const calls = await Promise.all(methods.map((path) => asked('grpc', path)))
  if (calls.some((why) => why === null || isSaidInGrpc(why))) {
    const ready = methods.find((_, index) => calls[index] === null) ?? null
    const refused = methods.filter((_, index) => calls[index] !== null)
    return {
      address,
      kind: 'grpc',
      names: [],
      ready,
      refused: ready === null ? refused.map((path) => `${path} no`) : [],
    }
  }
  const refused: string[] = []
  for (const path of paths) {
    const why = await asked('http2', path)
    if (why === null)
      return { address, kind: 'http', upstream: 'http2', names: [], ready: path, refused }
    const status = statusSaid(why)
    if (status === null) {
      if (why.includes('its certificate is refused')) trouble(why)
      return null
    }
    refused.push(`${path} ${status}`)
  }
  return { address, kind: 'http', upstream: 'http2', names: [], ready: null, refused }
}
