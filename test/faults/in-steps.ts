/** Faults while half of the traffic is on the new version, drawn by a coin: slower, wrong, and worse only later. `npm run test:faults` */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { clientsOf, langid, tellRollback, until } from './langid.ts'
import type { Clients } from './langid.ts'

/** In place of the minutes that a leak takes. */
const lateMs = 15_000
let world: Awaited<ReturnType<typeof langid>>
let clients: Clients

before(async () => {
  // What the classifier needs is too little to be seen: this much work more for every version.
  const delayMs = 20
  world = await langid(
    {
      first: { delayMs },
      slower: { delayMs: 1.25 * delayMs },
      wrong: { delayMs, kind: 'wrongLabel', share: 0.05 },
      late: { delayMs, kind: 'errors', share: 0.1, afterMs: lateMs },
    },
    {
      replicas: 1,
      service: `
    switch: { drain: 5s, traffic: { canary: [50%], every: 10m } }
    watch:
      atLeast: 1s
      atMost: 10m
      signals: [errors, latency, feedback]
      latency: { tolerance: 5%, plus: 0s }
      feedback: { within: 1s, tolerance: 0.5% }
    standby: [{ full: 10m }]
`,
    },
  )
  const { id } = await world.beryl.deploy('first')
  await until(world.beryl, id, 'watching')
  clients = clientsOf(world.beryl, { perSecond: 80, judges: true })
  await until(world.beryl, id, 'finished')
})

after(async () => {
  await clients?.stop()
  assert.equal(await world.stop(), 0)
})

for (const [fault, version, by, late] of [
  ['one wrong label in twenty', 'wrong', 'feedback', 0],
  ['10 % errors from some time on', 'late', 'errors', lateMs],
  ['25 % slower', 'slower', 'latency', 0],
] as const)
  test(`${fault}: rolled back`, async () => {
    const { id } = await world.beryl.deploy(version)
    const release = await until(world.beryl, id, 'rolled-back', 'stabilizing')
    assert.equal(release.phase, 'rolled-back')
    assert.match(release.rolledBack!.why, new RegExp(`^${by}`))
    assert.ok(release.rolledBack!.detectMs > late)
    tellRollback(fault, release, clients, late)
  })
