/** Faults after a switch of all traffic, beside a control group; and ten equal releases in a row. `npm run test:faults` */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Event } from '../../src/api/shapes.ts'
import { clientsOf, langid, tellRollback, until } from './langid.ts'
import type { Clients } from './langid.ts'

const marks = mkdtempSync(join(tmpdir(), 'beryl-faults-'))
const equal = Array.from({ length: 10 }, (_, index) => `equal${index + 1}`)
let world: Awaited<ReturnType<typeof langid>>
let clients: Clients

before(async () => {
  world = await langid(
    {
      first: {},
      errors: { kind: 'errors', share: 0.05 },
      outage: { kind: 'outage' },
      truncated: { kind: 'truncated', share: 0.1 },
      'one-broken': { kind: 'errors', share: 0.5, brokenOnce: join(marks, 'broken') },
      ...Object.fromEntries(equal.map((name) => [name, {}])),
    },
    {
      replicas: 2,
      service: `
    switch: { drain: 5s }
    watch:
      atLeast: 1s
      atMost: 10m
      control: auto
      falseRollbackRisk: 0.000001
      signals: [errors, validity]
      required: [errors, validity]
      errors: { margin: 5% }
      validity: { json: true, margin: 5% }
    standby: [{ full: 10m }]
`,
    },
  )
  const { id } = await world.beryl.deploy('first')
  await until(world.beryl, id, 'watching')
  clients = clientsOf(world.beryl, { perSecond: 90 })
  await until(world.beryl, id, 'finished')
})

after(async () => {
  await clients?.stop()
  assert.equal(await world.stop(), 0)
  rmSync(marks, { recursive: true })
})

for (const [fault, version, by] of [
  ['5 % errors', 'errors', 'errors'],
  ['a total outage', 'outage', ''],
  ['one answer in ten cut short', 'truncated', 'validity'],
] as const)
  test(`${fault}: rolled back`, async () => {
    const { id } = await world.beryl.deploy(version)
    const release = await until(world.beryl, id, 'rolled-back', 'stabilizing')
    assert.equal(release.phase, 'rolled-back')
    assert.equal(release.rolledBack!.by === 'guard' || by === '', true, release.rolledBack!.by)
    assert.ok(release.rolledBack!.why.startsWith(by))
    tellRollback(fault, release, clients)
  })

test('one broken replica of two: it is replaced, and the version stays', async () => {
  const { id } = await world.beryl.deploy('one-broken')
  const release = await until(world.beryl, id, 'stabilizing', 'rolled-back')
  assert.equal(release.phase, 'stabilizing', release.because ?? '')
  const { events } = await world.beryl.api<{ events: Event[] }>('GET', '/events?after=0&limit=1000')
  const [said] = events.filter(
    (one) => one.release === id && one.by === 'guard' && one.kind === 'replica',
  )
  assert.match(said!.text, /is worse than its siblings/)
  const seconds = ((said!.at - release.switched!.at) / 1000).toFixed(1)
  console.log(
    `one broken replica: replaced ${seconds} s after the switch; ${said!.text.slice(0, 90)}`,
  )
})

test('ten equal releases in a row are all promoted', async () => {
  const took: number[] = []
  for (const version of equal) {
    const { id } = await world.beryl.deploy(version)
    const release = await until(world.beryl, id, 'stabilizing', 'rolled-back', 'rejected')
    assert.equal(release.phase, 'stabilizing', `${version}: ${release.because}`)
    const ended = release.phases.find(({ phase }) => phase === 'stabilizing')!.at
    took.push((ended - release.switched!.at) / 1000)
  }
  const sorted = took.toSorted((a, b) => a - b)
  console.log(
    `ten equal releases: all promoted, ${sorted[0]!.toFixed(1)} to ${sorted.at(-1)!.toFixed(1)} s after their switch`,
  )
})
