/**
 * A thousand months of releases at random: failures, deaths, crashes of the controller, reboots, rollbacks, pauses and budgets that end.
 * What the ledger says equals what was up, to the second; live is never touched; and no standby goes before its time but by budget, by a
 * person or by a new release, and that is said. Pure, seeded.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elapsedS } from '../release/clock.ts'
import type { Rules } from '../release/release.ts'
import { plainRules } from '../release/testing/plain.ts'
import { World } from '../release/testing/world.ts'
import { costOf } from './cost.ts'
import type { Move, Up } from './role-times.ts'

const months = 1000
const monthS = 30 * 86_400
const price = { replicaHour: 2, currency: 'USD' }
const roles = ['live', 'candidate', 'standby'] as const
type Role = (typeof roles)[number]
type Random = () => number

/** mulberry32: 32 bits of state are enough to be different each month. */
function randomOf(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

class Month {
  readonly world = new World()
  readonly records = new Map<string, Up & { startedAt: number; endedAt: number | null }>()
  readonly moves: Move[] = []
  /** Replica-seconds, counted while they pass. */
  readonly upS: Record<Role, number> = { live: 0, candidate: 0, standby: 0 }
  cuts = 0
  budget = Infinity

  /** Time passes with what is up, and then the controller walks. */
  step(seconds: number, act: (world: World) => void = () => {}): void {
    const { world } = this
    for (const one of world.replicas.values()) this.upS[this.roleOf(one.release)] += seconds
    act(world)
    const before = this.ladder()
    const said = world.said.length
    world.behave(seconds)
    this.look(before, world.said.slice(said))
  }

  /** Everything that ran ends with the machine; nobody pays for the time it is off. */
  reboot(): void {
    for (const record of this.records.values()) record.endedAt ??= this.world.now.wall
    this.world.reboot()
  }

  private roleOf(release: string): Role {
    const { moved } = this.world
    if (moved.at(-1) === release) return 'live'
    return moved.includes(release) ? 'standby' : 'candidate'
  }

  private ladder() {
    const { release } = this.world.service
    if (release?.phase.name !== 'stabilizing') return null
    const rung = release.rules.standby[release.phase.rung]
    return { id: release.id, phase: release.phase, forS: rung?.forS ?? 0 }
  }

  private look(before: ReturnType<Month['ladder']>, said: readonly string[]): void {
    const { world, records, moves } = this
    const { wall } = world.now
    for (const { id, release, environment } of world.replicas.values())
      if (!records.has(id))
        records.set(id, {
          spec: { id, release, version: release, environment },
          startedAt: wall,
          endedAt: null,
        })
    for (const [id, record] of records) if (!world.replicas.has(id)) record.endedAt ??= wall
    const live = world.moved.at(-1)
    if (live !== undefined && live !== moves.at(-1)?.live)
      moves.push({ at: wall, live, by: world.service.release?.id ?? live })
    if (before !== null) this.holdPromise(before, said)
    this.spend()
  }

  /** Down, or gone: its time is over, or it is said why not. */
  private holdPromise(before: NonNullable<ReturnType<Month['ladder']>>, said: readonly string[]) {
    const { release } = this.world.service
    const phase = release?.id === before.id ? release.phase : null
    const isKept =
      phase?.name === 'rolling-back' ||
      (phase?.name === 'stabilizing' && phase.rung <= before.phase.rung)
    if (isKept) return
    const isOver = elapsedS(before.phase.since, this.world.now) >= before.forS
    const isCut = said.some((one) => one.startsWith('the budget of'))
    const isAsked = said.some((one) => /^superseded|^the standby ladder/.test(one))
    if (isCut) this.cuts++
    assert.ok(
      isOver || isCut || isAsked,
      `${before.id} left rung ${before.phase.rung}: ${said.join('; ')}`,
    )
  }

  /** As the controller reads it from the ledger. */
  private spend(): void {
    const { release } = this.world.service
    if (this.budget === Infinity || release === null) return
    const added = this.cost().releases.get(release.id)?.added.money ?? 0
    const name = release.id
    const { budget: limit } = this
    this.world.spent = [{ of: 'release', name, spent: added, limit, currency: 'USD' }]
  }

  cost() {
    const sources = { priceOf: () => price, moves: this.moves, gaps: [] }
    const within = { from: Number.NEGATIVE_INFINITY, to: this.world.now.wall }
    return costOf([...this.records.values()], sources, within)
  }
}

function rulesOf(random: Random): Rules {
  const hour = 3600
  const ladder: Rules['standby'] = [
    { rung: 'full', forS: hour },
    { rung: 'replicas', replicas: 1, forS: 6 * hour },
    { rung: 'asleep', forS: 24 * hour },
  ]
  return {
    ...plainRules,
    standby: ladder.slice(Math.floor(random() * 3)),
    expiresS: 24 * hour,
    switchWhen: random() < 0.2 ? 'approved' : 'verified',
    watch: {
      atLeastS: 60,
      atMostS: 2 * hour,
      whenUndecided: random() < 0.5 ? 'accept' : 'rollBack',
    },
    ...(random() < 0.3 ? { drillEveryS: 3 * hour } : {}),
  }
}

/** One month: what happens is drawn, and time passes. */
function live(month: Month, random: Random): void {
  const { world } = month
  if (random() < 0.4) month.budget = 4 + random() * 60
  const end = world.now.wall + monthS * 1000
  const chance = (share: number) => random() < share
  const oneOf = () => [...world.replicas.keys()][Math.floor(random() * world.replicas.size)]
  world.deploy('v0', { replicas: 1 + Math.floor(random() * 3) })
  for (let versions = 1; world.now.wall < end;) {
    const { release } = world.service
    const phase = release?.phase.name
    if (release === null && chance(0.12)) world.deploy(`v${versions++}`, { rules: rulesOf(random) })
    if (phase === 'stabilizing' && chance(0.03)) world.deploy(`v${versions++}`)
    if (phase === 'awaiting-approval' && chance(0.4)) world.command('approve')
    if (chance(0.03)) world.command(chance(0.5) ? 'pause' : 'rollback')
    if (release?.paused != null && chance(0.5)) world.command('resume')
    if (world.waitingFor.startsWith('`promote`')) world.command('promote')
    const decision = chance(0.15) ? 'rollBack' : chance(0.7) ? 'promote' : 'hold'
    world.guard = { decision, because: decision }
    if (chance(0.01)) month.reboot()
    if (chance(0.03)) world.kill()
    const isUnderWay = release !== null && phase !== 'stabilizing'
    month.step(isUnderWay ? 300 : 7200 + Math.floor(random() * 28_800), () => {
      if (chance(0.04)) world.decideGate(chance(0.5) ? 'fail' : 'undecided')
      const id = chance(0.04) ? oneOf() : undefined
      if (id !== undefined) world.change(id, { state: 'failed', because: 'it died' })
    })
  }
}

test('a thousand months: the ledger is what was up, live is not touched, and a standby has its time or it is said why not', () => {
  let [cuts, releases] = [0, 0]
  for (let seed = 1; seed <= months; seed++) {
    const month = new Month()
    live(month, randomOf(seed))
    const { lines, total } = month.cost()
    for (const role of roles) {
      const own = lines.filter((one) => one.role === role)
      const seconds = own.reduce((sum, one) => sum + one.replicaHours * 3600, 0)
      assert.ok(Math.abs(seconds - month.upS[role]) < 1, `month ${seed}: ${role} ${seconds} s`)
    }
    const all = roles.reduce((sum, role) => sum + month.upS[role], 0)
    assert.ok(Math.abs(total.replicaHours * 3600 - all) < 1, `month ${seed}`)
    cuts += month.cuts
    releases += month.world.ended.length
  }
  // They were not months in which nothing happened.
  assert.ok(cuts > 0.1 * months && releases > 2 * months, `${cuts} cuts, ${releases} releases`)
})
