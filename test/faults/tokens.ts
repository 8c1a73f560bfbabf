/** A real language model whose tokens come slower, in answers that are as long as ever and begin as soon. `npm run test:faults` */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { until } from './langid.ts'
import { asked, writerManifest, writers } from './writers.ts'
import type { Writers } from './writers.ts'

/** What the model needs for a token is too little to be seen: so long more for every version. */
const tokenMs = 12
let beryl: Running
let clients: Writers | undefined

before(async () => {
  const slow = (ms: number) => ({ kind: 'slowTokens', tokenMs: ms })
  beryl = await startBeryl({
    models: {},
    goldenLines: asked
      .slice(0, 2)
      .map((request) => ({ request: { ...request, max_tokens: 8 }, expected: null })),
    manifest: writerManifest(
      { first: slow(tokenMs), slower: slow(1.25 * tokenMs) },
      `    switch: { drain: 5s, traffic: { canary: [50%], every: 10m } }
    watch:
      atLeast: 1s
      atMost: 10m
      signals: [errors, firstToken, perToken]
      firstToken: { tolerance: 50%, margin: 80%, plus: 20ms }
      perToken: { tolerance: 5% }
    standby: [{ full: 10m }]
`,
    ),
  })
})

after(async () => {
  await clients?.stop()
  assert.equal(await beryl.stop(), 0)
})

test('a quarter more for each token: rolled back', async () => {
  const { id: first } = await beryl.deploy('first')
  await until(beryl, first, 'watching')
  clients = writers(beryl, { count: 8, tokens: 12 })
  await until(beryl, first, 'finished')
  const { id } = await beryl.deploy('slower')
  const slower = await until(beryl, id, 'rolled-back', 'stabilizing')
  assert.equal(slower.phase, 'rolled-back', slower.because ?? '')
  const { why, detectMs } = slower.rolledBack!
  assert.match(why, /^perToken/)
  console.log(
    `a quarter more for each token: rolled back after ${(detectMs / 1000).toFixed(1)} s; ${why.slice(0, 90)}`,
  )
})
