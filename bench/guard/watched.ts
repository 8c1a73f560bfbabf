/** The controller's side of a watch, as the product wires it: who reads what the gateway saw, and a release that is being watched. */
import { openCurves } from '../../src/controller/curves/curves.ts'
import type { ControllerStore } from '../../src/controller/store.ts'
import { watchingOf } from '../../src/controller/watch/watching.ts'
import type { Watching } from '../../src/controller/watch/watching.ts'
import type { GatewayClient } from '../../src/gateway/client.ts'
import { beginLoad } from '../../src/guard/load.ts'
import { errors, latency, rulesOf } from '../../src/guard/testing.ts'
import type { Release, Service } from '../../src/release/release.ts'

/** Counters, curves, the line in assignment order, the watch, and the journal. */
export function readerOf(
  store: ControllerStore,
  gateway: GatewayClient,
  service = 'tiny',
): Watching {
  const now = () => ({ wall: Date.now(), up: performance.now() })
  const rows = { names: () => [service], find: () => null } as never
  return watchingOf({
    store,
    gateway,
    curves: openCurves({ store, rows, now }),
    examiner: { verdicts: () => Promise.reject(new Error('nobody asks it')) },
    signals: { isAny: () => false, settings: () => null },
    now,
  })
}

/** @param known the old version's rate is: the guard then judges a part, chosen by numbers. Else, of a first release, everything. */
export function watchedRelease(
  store: ControllerStore,
  {
    service,
    release: id,
    perSecond,
    known,
  }: { service: string; release: string; perSecond: number; known: boolean },
): Release {
  const from = known ? { version: 'v0', release: 'r0', replicas: 4, digest: 'sha256:1' } : null
  const release = {
    id,
    service,
    from,
    phase: { name: 'watching' },
    rules: {},
  } as unknown as Release
  const event = { at: 0, service, release: null, kind: '', by: '', text: '', data: {} }
  const { revision } = store.services.create({ name: service } as Service, event)
  store.services.save(
    { service: { name: service, release } as Service, revision },
    {
      releases: [],
      added: [{ release, plan: { watch: rulesOf(errors, latency) } as never }],
      events: [],
    },
  )
  const load = { ...beginLoad(), perSecond: { new: perSecond, old: 0 } }
  const times = [{ service, release: 'r0', times: { load, firstByte: {}, total: {} } }] as const
  const totals = [{ service, release: 'r0', total: 100_000, bad: 1000 }]
  store.traffic.count({}, { totals, times, watches: new Map(), signals: [], events: [] })
  return release
}
