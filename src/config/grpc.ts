/** `protocol: grpc`: what needs a method, what knows no GET, and what other protocols have for themselves. */
import { inferPath } from '../protocols/grpc/kserve-messages.ts'
import type { CrossProblem } from './cross-problem.ts'
import { gatesOf } from './gates.ts'
import type { GateManifest, ServiceManifest } from './manifest.ts'

/** `/package.Service/Method` */
const method = /^\/[A-Za-z_][\w.]*\/[A-Za-z_]\w*$/

export function grpcProblems(at: string[], service: ServiceManifest): CrossProblem[] {
  const { protocol, environment, capture } = service
  const found: CrossProblem[] = []
  const say = (path: readonly (string | number)[], message: string) =>
    found.push({ path: [...at, ...path], message })
  if (protocol !== 'grpc') {
    if (capture?.binary === true)
      say(['capture', 'binary'], 'is of messages of gRPC: it needs `protocol: grpc`')
    return found
  }
  if (environment.upstream === 'http1')
    say(['environment', 'upstream'], 'gRPC needs HTTP/2: leave it out')
  if (environment.ready.version !== undefined)
    say(
      ['environment', 'ready', 'version'],
      'is asked for with GET, which gRPC does not know: use the gate `identity: { model: NAME }`',
    )
  const hasGolden = service.verify.some((gate) => 'goldenSet' in gate)
  for (const { path, gate } of gatesOf(service)) {
    const request = requestOf(gate)
    if (request !== undefined && !method.test(request.path))
      say(
        [...path, 'request', 'path'],
        'expected a method such as /inference.GRPCInferenceService/ModelInfer',
      )
    if (request !== undefined && request.method !== 'POST')
      say([...path, 'request', 'method'], 'expected POST, as gRPC has it: leave it out')
    if (request?.path === inferPath && !hasGolden)
      say([...path, 'request'], 'needs a golden set for the messages that are sent')
    const isNothing = request === undefined && !hasGolden
    if ('warmUp' in gate && isNothing && gate.warmUp.from !== 'captures')
      say(
        path,
        'nothing says what to send: give it a request, add a golden set, or say `from: captures`',
      )
  }
  return found
}

function requestOf(gate: GateManifest) {
  if ('goldenSet' in gate) return gate.goldenSet.request
  if ('warmUp' in gate) return gate.warmUp.request
  return 'load' in gate ? gate.load.request : undefined
}
