import type { ServiceManifest } from '../../config/manifest.ts'
import type { Protocol } from '../../verification/gate.ts'

/** `http` and `json` are sent and read alike. */
export function readingOf(protocol: ServiceManifest['protocol']): Protocol {
  return protocol === 'json' ? 'http' : protocol
}
