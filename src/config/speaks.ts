/** What the replicas of a service speak, from `protocol` and `environment.upstream`; undefined for HTTP/1.1. */
import type { ServiceManifest } from './manifest.ts'

export type Speaks = 'http2' | 'grpc' | undefined

/** A server of gRPC that says how it is: https://github.com/grpc/grpc/blob/master/doc/health-checking.md */
const health = '/grpc.health.v1.Health/Check'

export function speaksOf({
  protocol,
  environment,
}: Pick<ServiceManifest, 'protocol' | 'environment'>): Speaks {
  if (protocol === 'grpc') return 'grpc'
  return environment.upstream === 'http2' ? 'http2' : undefined
}

/** Where a replica is asked whether it can serve: no method of gRPC is called `/`. */
export function readyPathOf(service: Pick<ServiceManifest, 'protocol' | 'environment'>): string {
  const { path } = service.environment.ready
  return speaksOf(service) === 'grpc' && path === '/' ? health : path
}

/** What may be asked of one that sleeps: llama.cpp's router would load its model where `ready` is asked. */
export function harmlessPathOf(service: Pick<ServiceManifest, 'protocol' | 'environment'>): string {
  return service.environment.sleep?.by === 'llama.cpp' ? '/health' : readyPathOf(service)
}
