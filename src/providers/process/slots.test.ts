import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually, eventuallySeen, specOf } from '../testing.ts'
import { askJson, fixture, withProvider } from './bench.ts'
import { chooseSlots, gpuSlotsOf } from './slots.ts'

const all = [0, 1, 2, 3]

test('slots that somebody holds are not given away', () => {
  const holders = [{ id: 'a', gpus: [0, 2], leaving: false }]
  assert.deepEqual(chooseSlots({ count: 2, all, holders }), { slots: [1, 3] })
  assert.deepEqual(chooseSlots({ count: 0, all: [], holders }), { slots: [] })
})

test('a replica that is started again keeps the slots it had', () => {
  assert.deepEqual(chooseSlots({ count: 2, all, holders: [], before: [3, 2] }), { slots: [2, 3] })
})

test('too few slots is a reason that names who holds them and where slots come from', () => {
  const holders = [
    { id: 'a', gpus: [0, 1], leaving: false },
    { id: 'b', gpus: [2], leaving: false },
  ]
  assert.deepEqual(chooseSlots({ count: 2, all, holders }), {
    impossible:
      'it needs 2 GPU slots, 1 of 4 are free (a holds 0, 1; b holds 2). Slots come from BERYL_GPUS, e.g. BERYL_GPUS=0,1',
  })
})

test('slots of a replica that is leaving are waited for, slots outside of this machine are not', () => {
  const leaving = (gpus: number[]) => [{ id: 'a', gpus, leaving: true }]
  assert.ok('wait' in chooseSlots({ count: 1, all: [0], holders: leaving([0]) }))
  assert.ok('impossible' in chooseSlots({ count: 1, all: [], holders: leaving([7]) }))
})

test('what a sleeper lends goes to who may lease it, where too few are free, and to nobody else', () => {
  const asleep = { id: 'a', gpus: [0, 1], leaving: false, lends: true }
  const holders = [asleep]
  assert.deepEqual(chooseSlots({ count: 2, all, holders, leases: true }), { slots: [2, 3] })
  assert.deepEqual(chooseSlots({ count: 3, all, holders, leases: true }), { slots: [0, 2, 3] })
  assert.ok('impossible' in chooseSlots({ count: 3, all, holders }))
  const leased = { id: 'b', gpus: [0], leaving: false, leases: true }
  const both = chooseSlots({ count: 4, all, holders: [asleep, leased], leases: true })
  assert.match(
    JSON.stringify(both),
    /impossible.*3 of 4 are free \(a holds 0, 1, asleep; b holds 0\)/,
  )
  // The owner, started again, and whatever is live wait until the lease is called back.
  const owner = chooseSlots({ count: 1, all: [0], holders: [leased], before: [0] })
  assert.match(JSON.stringify(owner), /wait.*some are leased/)
})

test('slots are what BERYL_GPUS says, else CUDA_VISIBLE_DEVICES, else none', () => {
  assert.deepEqual(gpuSlotsOf({ BERYL_GPUS: '0, 3,3', CUDA_VISIBLE_DEVICES: '5' }), [0, 3])
  assert.deepEqual(gpuSlotsOf({ CUDA_VISIBLE_DEVICES: '5' }), [5])
  assert.deepEqual(gpuSlotsOf({}), [])
})

test('replicas that start at the same moment get different slots, and see only their own', async () => {
  await withProvider(async (provider) => {
    const command = fixture('serves.js')
    const env = { CUDA_VISIBLE_DEVICES: '0' }
    const specs = [specOf(command, { gpus: 1, env }), specOf(command, { gpus: 1, env })]
    await Promise.all(specs.map((spec) => provider.start(spec)))
    const devices = await Promise.all(
      specs.map(async ({ id }) => {
        const { port, gpus } = await eventuallySeen(provider, id, 'ready')
        const said = await askJson<{ env: Record<string, string> }>(`http://127.0.0.1:${port}/`)
        assert.equal(said!.env['CUDA_VISIBLE_DEVICES'], gpus.join(','))
        return said!.env['CUDA_VISIBLE_DEVICES']
      }),
    )
    assert.deepEqual(devices.toSorted(), ['0', '1'])

    const third = specOf(command, { gpus: 1 })
    await provider.start(third)
    const { state } = await eventuallySeen(provider, third.id, 'failed')
    assert.match(state.name === 'failed' ? state.because : '', new RegExp(`${specs[0]!.id} holds`))
  })
})

test('a slot is free for the next replica only when nothing is left of the one that held it', async () => {
  await withProvider(
    async (provider) => {
      const first = specOf(fixture('serves.js', '--ignore-term'), { gpus: 1, stopGraceS: 0.3 })
      const second = specOf(fixture('serves.js'), { gpus: 1 })
      await provider.start(first)
      await eventuallySeen(provider, first.id, 'ready')
      await provider.stop(first.id)
      await provider.start(second)
      await eventually('the second to wait', () => {
        const state = provider.look().find(({ id }) => id === second.id)?.state
        return state?.name === 'starting' && 'because' in state && /stopping/.test(state.because)
      })
      const order: string[] = []
      provider.changed(() => {
        const held = provider.look().filter(({ gpus }) => gpus.includes(0))
        order.push(held.map(({ id }) => (id === first.id ? 'first' : 'second')).join('+'))
      })
      await eventuallySeen(provider, second.id, 'ready')
      assert.ok(!order.includes('first+second'), order.join())
    },
    { gpuSlots: [0] },
  )
})

test('a replica that failed gives its slots back', async () => {
  await withProvider(
    async (provider) => {
      const first = specOf(fixture('never-ready.js'), {
        gpus: 1,
        ready: { path: '/', withinS: 0.2 },
      })
      await provider.start(first)
      await eventuallySeen(provider, first.id, 'failed')
      const second = specOf(fixture('serves.js'), { gpus: 1 })
      await provider.start(second)
      await eventuallySeen(provider, second.id, 'ready')
    },
    { gpuSlots: [0] },
  )
})
