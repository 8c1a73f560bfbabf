/** Random histories: whatever happens, in whatever order, the promises hold; and a world that behaves lets each release end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Bundle, Rules } from './release.ts'
import { plainRules } from './testing/plain.ts'
import { World } from './testing/world.ts'

type Step = (world: World) => void

const pick = <Item>(items: readonly Item[], at: number): Item | undefined =>
  items.length === 0 ? undefined : items[at % items.length]

const anyReplica = (act: (world: World, id: string) => void) =>
  fc.nat(5).map((at) => ({
    name: `replica ${at}`,
    run: (world: World) => {
      const id = pick([...world.replicas.keys()], at)
      if (id !== undefined) act(world, id)
    },
  }))

const onSpot = (name: string, act: (world: World, id: string) => void) =>
  fc.nat(5).map((at) => ({
    name: `what is on spot capacity ${name}: ${at}`,
    run: (world: World) => {
      const all = [...world.replicas.values()].filter(({ spot }) => spot === true)
      const one = pick(all, at)
      if (one !== undefined) act(world, one.id)
    },
  }))

const ladder: Rules['standby'] = [
  { rung: 'full', forS: 300 },
  { rung: 'replicas', replicas: 1, forS: 3600 },
  { rung: 'asleep', forS: 7200 },
]

const rules = fc
  .record({
    gates: fc.constantFrom(
      plainRules.gates,
      plainRules.gates.slice(0, 1),
      [],
      [
        ...plainRules.gates,
        { name: 'noWorse', kind: 'goldenSet', needsLive: true, absolute: false },
      ],
      [
        { name: 'webhook', kind: 'webhook', needsLive: false, absolute: false, dryRun: true },
        ...plainRules.gates,
      ],
    ),
    switchWhen: fc.constantFrom('verified', 'verified', 'approved'),
    expiresS: fc.constantFrom(86_400, 3600),
    whenUndecided: fc.constantFrom('hold', 'accept', 'rollBack'),
    standby: fc.constantFrom(plainRules.standby, ladder, ladder.slice(1), ladder.slice(2), []),
    shares: fc.constantFrom([], [], [0.05, 0.5], [0.1, 0.2, 0.3]),
    onSpot: fc.constantFrom<(NonNullable<Rules['spot']> | null)[]>(
      null,
      { candidate: true },
      { standby: true },
      { candidate: true, standby: true },
    ),
  })
  .map(({ whenUndecided, shares, onSpot, ...rest }): Rules => ({
    ...plainRules,
    ...rest,
    ...(onSpot === null ? {} : { spot: onSpot }),
    ...(shares.length === 0 ? {} : { traffic: { shares, everyS: 120, sticky: null } }),
    watch: { atLeastS: 60, atMostS: 600, whenUndecided },
  }))

const step = (name: string, run: Step) => fc.constant({ name, run })

function undurable(world: World): void {
  world.diskFull = true
  world.command('rollback')
  world.tick()
  world.diskFull = false
  world.tick(0)
  world.killGateway()
}

const steps = fc.oneof(
  { weight: 12, arbitrary: step('tick', (world) => world.tick()) },
  { weight: 12, arbitrary: step('behave', (world) => world.behave()) },
  {
    weight: 3,
    arbitrary: fc.nat(2).map((count) => ({
      name: `tick, killed after ${count} actions`,
      run: (world: World) => world.tick(count),
    })),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({
        version: fc.constantFrom('a', 'b', 'c'),
        kind: fc.constantFrom('deploy', 'deploy', 'deploy', 'verify', 'rollback'),
        replace: fc.boolean(),
        keepsStandby: fc.boolean(),
        replicas: fc.integer({ min: 1, max: 2 }),
        spot: fc.constantFrom<(Bundle['spot'] | undefined)[]>({}, {}, undefined, { live: true }),
        rules,
      })
      .map(({ version, ...options }) => ({
        name: `${options.kind} ${version}`,
        run: (world: World) => void world.deploy(version, options),
      })),
  },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom('approve', 'promote', 'pause', 'resume', 'abort', 'rollback')
      .map((command) => ({
        name: command,
        run: (world: World) => void world.command(command),
      })),
  },
  step('rollback --hard', (world) => void world.command('rollback', { hard: true })),
  step('skip a gate', (world) => {
    const gate = world.service.release?.rules.gates[0]?.name
    if (gate !== undefined) world.command('approve', { skipGate: gate })
  }),
  step(
    'abort what waits',
    (world) => void world.command('abort', { release: world.service.queued }),
  ),
  step('live is scaled', (world) => {
    const { live, release } = world.service
    if (live === null || release !== null) return
    world.service = { ...world.service, live: { ...live, replicas: live.replicas === 1 ? 2 : 1 } }
  }),
  step('gate fails', (world) => world.decideGate('fail')),
  step('gate is undecided', (world) => world.decideGate('undecided')),
  step('guard: promote', (world) => void (world.guard = { decision: 'promote', because: 'fine' })),
  step(
    'guard: roll back',
    (world) => void (world.guard = { decision: 'rollBack', because: 'bad' }),
  ),
  step(
    'guard: a regression would show',
    (world) => void (world.guard = { decision: 'hold', because: 'none seen', wouldShow: true }),
  ),
  step('guard: hold', (world) => void (world.guard = { decision: 'hold', because: 'little' })),
  step('gateway away', (world) => void (world.gatewayUp = false)),
  step('gateway back', (world) => {
    world.gatewayUp = true
    world.inFlight = { blue: 0, green: 0 }
  }),
  step('requests in flight', (world) => {
    if (world.table?.live != null) world.inFlight[world.table.live] += 3
  }),
  step('the disk is full', (world) => void (world.diskFull = true)),
  step('the disk has room', (world) => void (world.diskFull = false)),
  { weight: 2, arbitrary: step('the controller is killed', (world) => world.kill()) },
  step('the gateway is killed', (world) => world.killGateway()),
  { weight: 2, arbitrary: step('the gateway hands over', (world) => world.handOver()) },
  step('the one that handed over is gone', (world) => world.left()),
  // By single steps this is too rare to be met: the gateway comes back with the version that was left.
  { weight: 2, arbitrary: step('a rollback that only the journal knows of', undurable) },
  step('the window closes', (world) => {
    world.holds = [{ by: 'window', window: 'Mon 09:00-10:00 UTC', opensAt: world.now.wall + 1 }]
  }),
  step('it is frozen', (world) => {
    const who = { who: 'ann', reason: 'holidays' }
    world.holds = [{ by: 'freeze', ...who, of: 'everything', until: null }, ...world.holds]
  }),
  { weight: 2, arbitrary: step('nothing is held any more', (world) => void (world.holds = [])) },
  {
    weight: 2,
    arbitrary: fc
      .record({ of: fc.constantFrom('release', 'month'), spent: fc.nat(30) })
      .map(({ of, spent }) => ({
        name: `${spent} of 10 are spent (${of})`,
        run: (world: World) => {
          const name = of === 'month' ? '2026-11' : (world.service.release?.id ?? 'r0')
          world.spent = [{ of, name, spent, limit: 10, currency: 'USD' }]
        },
      })),
  },
  step('others run', (world) => void (world.crowd = { atOnce: 1, ahead: ['r9 of chat'] })),
  step('an hour', (world) => world.pass(3600)),
  step('a day', (world) => world.pass(25 * 3600)),
  step('the wall clock jumps back', (world) => {
    world.now = { ...world.now, wall: world.now.wall - 7_200_000 }
  }),
  step('reboot', (world) => world.reboot()),
  anyReplica((world, id) => world.change(id, { state: 'ready' })),
  anyReplica((world, id) => {
    const before = world.replicas.get(id)!
    world.change(id, { state: before.state === 'ready' ? 'unready' : 'failed', because: 'it died' })
  }),
  { weight: 2, arbitrary: onSpot('is taken away', (world, id) => world.takeAway(id)) },
  onSpot('cannot be had', (world, id) => world.takeAway(id, true)),
  onSpot('is about to be taken away', (world, id) => world.change(id, { noticed: true })),
  anyReplica((world, id) =>
    world.change(id, { restarts: world.replicas.get(id)!.restarts + 1, because: 'it died' }),
  ),
)

/** A counterexample reads as a story. */
const named = steps.map(({ name, run }) => ({ run, [fc.toStringMethod]: () => name }))

const history = fc.array(named, { minLength: 10, maxLength: 120, size: 'max' })

test('in every reachable state: never empty, one step, fail closed, big enough, nothing in flight retired', () => {
  fc.assert(
    fc.property(history, (all) => {
      const world = new World()
      for (const { run } of all) run(world)
    }),
    { numRuns: 5000, seed: 20261125 },
  )
})

test('whatever has happened, once the world behaves each release comes to its end', () => {
  fc.assert(
    fc.property(history, (all) => {
      const world = new World()
      for (const { run } of all) run(world)
      world.guard = { decision: 'promote', because: 'fine' }
      // A window stays closed for a while, and opens.
      for (let turn = 0; turn < 10 && world.holds.length > 0; turn++) world.behave(600)
      world.holds = []
      world.crowd = null
      world.spent = []
      for (let turn = 0; turn < 400 && world.service.release !== null; turn++) {
        world.command('resume')
        const phase = world.service.release?.phase.name
        if (phase === 'awaiting-approval') world.command('approve')
        // What a person has to decide is decided: an undecided gate or a watch that may not go on.
        if (world.waitingFor.startsWith('a person')) world.command('abort')
        if (world.waitingFor.startsWith('`promote`')) world.command('promote')
        // Long steps: after a reboot, a wall clock that was set back by hours has to catch up first.
        world.behave(600)
      }
      assert.equal(world.service.release, null, `stuck: ${world.waitingFor}`)
      assert.equal(world.service.queued, null)
      const places = new Set([...world.replicas.values()].map(({ environment }) => environment))
      assert.ok(places.size <= 1, 'only the live place is left')
      // What went back to a standby on spot capacity has its own replicas by now.
      for (let turn = 0; turn < 5; turn++) world.behave()
      const { live } = world.service
      const onSpotStill = [...world.replicas.values()].filter(({ spot }) => spot === true)
      if (live !== null && live.spot?.live !== true)
        assert.deepEqual(onSpotStill, [], 'nothing live is on spot capacity')
    }),
    { numRuns: 2000, seed: 20261126 },
  )
})
