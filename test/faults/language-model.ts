/** A real language model whose streams end too early, and nothing in HTTP says so. `npm run test:faults` */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { until } from './langid.ts'
import { asked, writerManifest, writers } from './writers.ts'
import type { Writers } from './writers.ts'

let beryl: Running
let clients: Writers | undefined

before(async () => {
  beryl = await startBeryl({
    models: {},
    goldenLines: asked
      .slice(0, 6)
      .map((request) => ({ request: { ...request, max_tokens: 24 }, expected: null })),
    manifest: writerManifest(
      { first: {}, equal: { share: 0.3 }, cut: { kind: 'truncated', share: 0.3 } },
      `    switch: { drain: 5s, when: approved }
    watch:
      atLeast: 1s
      atMost: 10m
      control: auto
      signals: [errors, validity, drift]
      required: [errors, validity]
      errors: { margin: 10% }
      validity: { margin: 10%, finish: [stop, length] }
      drift: { of: length, tolerance: 20% }
    standby: [{ full: 10m }]
`,
    ),
  })
})

after(async () => {
  await clients?.stop()
  assert.equal(await beryl.stop(), 0)
})

test('streams that are cut short are seen and rolled back; whole ones are promoted', async () => {
  await deploy('first', 'watching')
  clients = writers(beryl, { count: 3, tokens: 24 })
  const equal = await deploy('equal', 'stabilizing', 'rolled-back')
  assert.equal(equal.phase, 'stabilizing', equal.because ?? '')
  const cut = await deploy('cut', 'stabilizing', 'rolled-back')
  assert.equal(cut.phase, 'rolled-back')
  assert.match(cut.rolledBack!.why, /^validity/)
  console.log(
    `streams cut short: rolled back after ${(cut.rolledBack!.detectMs / 1000).toFixed(1)} s; ${cut.rolledBack!.why.slice(0, 90)}`,
  )
})

async function deploy(version: string, ...phases: Parameters<typeof until>[2][]) {
  const { id } = await beryl.deploy(version)
  await until(beryl, id, 'awaiting-approval')
  assert.equal((await beryl.cli('approve', id)).code, 0)
  return until(beryl, id, ...phases)
}
