/** All of them, by the names of the manifest. */
import { grpc } from './grpc/grpc.ts'
import { http } from './http.ts'
import { kserveV2 } from './kserve-v2.ts'
import { openai } from './openai/openai.ts'
import type { Protocol } from './protocol.ts'

export type ProtocolName = 'http' | 'openai' | 'kserve-v2' | 'grpc'

const protocols: Record<ProtocolName, Protocol> = { http, openai, 'kserve-v2': kserveV2, grpc }

export function protocolOf(name: ProtocolName): Protocol {
  return protocols[name]
}
