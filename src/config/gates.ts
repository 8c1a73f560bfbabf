/** The gates of a service, in order, with the names they have everywhere: `warmUp`, `goldenSet`, `goldenSet-2`. */
import type { GateManifest, ServiceManifest } from './manifest.ts'

export type NamedGate = { name: string; path: (string | number)[]; gate: GateManifest }

export function gatesOf({ verify }: Pick<ServiceManifest, 'verify'>): NamedGate[] {
  const counts = new Map<string, number>()
  return verify.map((gate, index) => {
    const [kind] = Object.keys(gate) as [string]
    const count = (counts.get(kind) ?? 0) + 1
    counts.set(kind, count)
    return { name: count === 1 ? kind : `${kind}-${count}`, path: ['verify', index, kind], gate }
  })
}
