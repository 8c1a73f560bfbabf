import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gate } from '../release/release.ts'
import { requestsOf } from './judged-requests.ts'
import type { ControllerStore } from './store.ts'

const gate = (kind: Gate['kind']): Gate => ({ name: kind, kind, needsLive: true, absolute: false })
const decided = (name: string, evidence: object) => ({
  state: { name, state: 'decided', attempt: 1, at: 0, verdict: 'pass', because: '', evidence },
})

test('copies, recorded requests and judged pairs are read from the evidence of gates and watch', () => {
  const release = { rules: { gates: [gate('shadow'), gate('replay'), gate('load')] } }
  const store = {
    services: { release: (id: string) => (id === 'r2' ? release : null) },
    gates: {
      of: () => [
        decided('shadow', { copies: { arrived: 130, dropped: {}, compared: 120 } }),
        decided('replay', { replayed: { records: 900, compared: 880 } }),
        decided('load', {}),
        { state: { name: 'other', state: 'running', attempt: 1 } },
      ],
    },
    events: {
      ofRelease: () => [
        { data: { watch: { signals: [{ judged: { paired: 10 } }] } } },
        { data: { watch: { signals: [{ judged: { paired: 40 } }, { judged: {} }] } } },
        { data: {} },
      ],
    },
  } as unknown as ControllerStore
  assert.deepEqual(requestsOf(store, 'r2'), { mirrored: 170, replayed: 880, judged: 1040 })
  assert.deepEqual(requestsOf(store, 'r9'), { mirrored: 0, replayed: 0, judged: 0 })
})
