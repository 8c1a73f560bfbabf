import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Gate } from '../../release/release.ts'
import { requestsOf, tokensOf } from './judged-requests.ts'
import type { ControllerStore } from '../store.ts'

const gate = (kind: Gate['kind']): Gate => ({ name: kind, kind, needsLive: true, absolute: false })
const decided = (name: string, evidence: object) => ({
  state: { name, state: 'decided', attempt: 1, at: 0, verdict: 'pass', because: '', evidence },
})

test('copies, recorded requests and judged pairs are read from the evidence of gates and watch', () => {
  const release = {
    rules: { gates: [gate('shadow'), gate('replay'), gate('load'), gate('goldenSet')] },
  }
  const store = {
    services: { release: (id: string) => (id === 'r2' ? release : null) },
    gates: {
      of: () => [
        decided('shadow', { copies: { arrived: 130, dropped: {}, compared: 120 } }),
        decided('replay', { replayed: { records: 900, compared: 880 } }),
        decided('load', { held: { sent: 50 }, climbed: [{ sent: 60 }, { sent: 70 }] }),
        decided('goldenSet', { total: 20, requests: 40 }),
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
  assert.deepEqual(requestsOf(store, 'r2'), {
    mirrored: 170,
    replayed: 880,
    judged: 1040,
    golden: 40,
    load: 180,
  })
  assert.deepEqual(requestsOf(store, 'r9'), {
    mirrored: 0,
    replayed: 0,
    judged: 0,
    golden: 0,
    load: 0,
  })
})

test('tokens are summed over the gates that speak of them; where none does, nothing is said', () => {
  const tokens = { asked: 9, written: 4, estimated: 1, askedNotKnown: 2, writtenNotKnown: 0 }
  const storeOf = (...all: object[]) => ({ gates: { of: () => all } }) as unknown as ControllerStore
  const gates = [decided('a', { tokens }), decided('b', { tokens }), decided('c', { tokens: 7 })]
  assert.deepEqual(tokensOf(storeOf(...gates), 'r2', 'tokens'), {
    asked: 18,
    written: 8,
    estimated: 2,
    askedNotKnown: 4,
    writtenNotKnown: 0,
  })
  assert.equal(tokensOf(storeOf(decided('c', {})), 'r2', 'tokens'), null)
  assert.equal(tokensOf(storeOf(...gates), 'r2', 'judgeTokens'), null)
  const judged = storeOf(decided('a', { tokens, judgeTokens: { ...tokens, asked: 500 } }))
  assert.equal(tokensOf(judged, 'r2', 'judgeTokens')?.asked, 500)
})
