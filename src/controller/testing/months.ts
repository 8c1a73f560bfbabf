/**
 * A month of releases at random: failures, deaths, crashes of the controller, reboots, rollbacks, canary steps, pauses, budgets that end,
 * spot capacity that is taken away, and times in which Beryl is not there. What the ledger says equals what was up, to the second; live is
 * never touched; and no standby goes before its time but by budget, by a person or by a new release, and that is said. Pure, seeded.
 */
import assert from 'node:assert/strict'
import { elapsedS } from '../../release/clock.ts'
import type { Rules } from '../../release/release.ts'
import { plainRules } from '../../release/testing/plain.ts'
import { World } from '../../release/testing/world.ts'
import { costOf } from '../ledger/cost.ts'
import type { Gap, Move, Up } from '../ledger/role-times.ts'

const monthS = 30 * 86_400
const price = { replicaHour: 2, spotReplicaHour: 0.5, currency: 'USD' }
const roles = ['live', 'candidate', 'standby'] as const
const hourS = 3600
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
  readonly records = new Map<string, Up & { endedAt: number | null; spells?: Up['spells'] }>()
  readonly moves: Move[] = []
  /** Replica-seconds, counted while they pass. */
  readonly upS: Record<Role, number> = { live: 0, candidate: 0, standby: 0 }
  upMoney = 0
  /** Beryl was not there; what was not found again is counted nowhere. */
  readonly gaps: Gap[] = []
  unknownS = 0
  losses = 0
  cuts = 0
  budget = Infinity

  /** Time passes with what is up, and then the controller walks. */
  step(seconds: number, act: (world: World) => void = () => {}): void {
    const { world } = this
    act(world)
    this.count(seconds, () => true)
    const before = this.ladder()
    const said = world.said.length
    world.behave(seconds)
    this.look(before, world.said.slice(said))
  }

  private count(seconds: number, isKnown: (id: string) => boolean): void {
    for (const { id, release, spot } of this.world.replicas.values()) {
      if (this.world.away.has(id)) continue
      if (!isKnown(id)) this.unknownS += seconds
      else {
        this.upS[this.roleOf(release)] += seconds
        const hour = spot === true ? price.spotReplicaHour : price.replicaHour
        this.upMoney += (seconds / hourS) * hour
      }
    }
  }

  /** One on spot capacity is gone until somebody has it again, and nobody pays for it. */
  lose(id: string, short: boolean): void {
    if (this.world.replicas.get(id)?.spot !== true || this.world.away.has(id)) return
    this.losses++
    this.world.takeAway(id, short, true)
    this.spell(id, 'away')
  }

  hasAgain(id: string): void {
    if (this.world.away.delete(id)) this.spell(id, 'awake')
  }

  private spell(id: string, is: 'away' | 'awake'): void {
    const record = this.records.get(id)
    if (record === undefined) return
    record.spells = [...(record.spells ?? []), { at: this.world.now.wall, is }]
  }

  /** All of Beryl is away; what it does not find again was started anew. */
  leave(seconds: number, isKnown: (id: string) => boolean): void {
    const { world } = this
    const from = world.now.wall
    const known = [...world.replicas.keys()].filter(isKnown)
    this.count(seconds, (id) => known.includes(id))
    world.kill()
    world.pass(seconds)
    this.gaps.push({ from, to: world.now.wall, known })
  }

  /** Everything that ran ends with the machine; nobody pays for the time it is off. */
  reboot(): void {
    for (const record of this.records.values()) record.endedAt ??= this.world.now.wall
    this.world.away.clear()
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
    for (const { id, release, environment, spot = false } of world.replicas.values())
      if (!records.has(id))
        records.set(id, {
          spec: { id, release, version: release, environment },
          startedAt: wall,
          endedAt: null,
          spot,
        })
    for (const [id, record] of records) {
      if (world.replicas.has(id)) continue
      record.endedAt ??= wall
      world.away.delete(id)
    }
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
    const sources = { priceOf: () => price, moves: this.moves, gaps: this.gaps }
    const within = { from: Number.NEGATIVE_INFINITY, to: this.world.now.wall }
    return costOf([...this.records.values()], sources, within)
  }
}

function rulesOf(random: Random): Rules {
  const hour = hourS
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
    ...(random() < 0.3 ? { traffic: { shares: [0.1, 0.5], everyS: 600, sticky: null } } : {}),
    ...(random() < 0.6 ? { spot: { candidate: true, standby: true } } : {}),
  }
}

/** One month: what happens is drawn, and time passes. */
function live(month: Month, random: Random): void {
  const { world } = month
  if (random() < 0.4) month.budget = 4 + random() * 60
  const end = world.now.wall + monthS * 1000
  const chance = (share: number) => random() < share
  const oneOf = () => [...world.replicas.keys()][Math.floor(random() * world.replicas.size)]
  const oneAway = () => [...world.away][Math.floor(random() * world.away.size)]
  const spot = random() < 0.1 ? { live: true as const } : {}
  world.deploy('v0', { replicas: 1 + Math.floor(random() * 3), spot })
  for (let versions = 1; world.now.wall < end;) {
    const { release } = world.service
    const phase = release?.phase.name
    if (release === null && chance(0.12))
      world.deploy(`v${versions++}`, { rules: rulesOf(random), spot })
    if (phase === 'stabilizing' && chance(0.03)) world.deploy(`v${versions++}`, { spot })
    if (phase === 'awaiting-approval' && chance(0.4)) world.command('approve')
    if (chance(0.03)) world.command(chance(0.5) ? 'pause' : 'rollback')
    if (release?.paused != null && chance(0.5)) world.command('resume')
    if (world.waitingFor.startsWith('`promote`')) world.command('promote')
    const decision = chance(0.15) ? 'rollBack' : chance(0.7) ? 'promote' : 'hold'
    world.guard = { decision, because: decision }
    if (chance(0.01)) month.reboot()
    if (chance(0.03)) world.kill()
    if (chance(0.02)) month.leave(Math.floor(random() * 20_000), () => chance(0.7))
    const back = chance(0.5) ? oneAway() : undefined
    if (back !== undefined) month.hasAgain(back)
    const isUnderWay = release !== null && phase !== 'stabilizing'
    month.step(isUnderWay ? 300 : 7200 + Math.floor(random() * 28_800), () => {
      if (chance(0.04)) world.decideGate(chance(0.5) ? 'fail' : 'undecided')
      const id = chance(0.04) ? oneOf() : undefined
      if (id !== undefined && !world.away.has(id))
        world.change(id, { state: 'failed', because: 'it died' })
      const taken = chance(0.3) ? oneOf() : undefined
      if (taken !== undefined) month.lose(taken, chance(0.3))
    })
  }
}

/** What happened in all of them, so that they were not months in which nothing did. */
export type Happened = Record<'cuts' | 'releases' | 'losses' | 'gaps' | 'steps', number>

/** Lives the months of these seeds and holds each to the ledger. @throws AssertionError */
export function liveMonths(first: number, last: number): Happened {
  const happened: Happened = { cuts: 0, releases: 0, losses: 0, gaps: 0, steps: 0 }
  for (let seed = first; seed <= last; seed++) {
    const month = new Month()
    live(month, randomOf(seed))
    holdLedger(month, seed)
    happened.cuts += month.cuts
    happened.releases += month.world.ended.length
    happened.losses += month.losses
    happened.gaps += month.gaps.length
    happened.steps += month.world.said.filter((one) => one.startsWith('after step')).length
  }
  return happened
}

function holdLedger(month: Month, seed: number): void {
  const { lines, total, gaps } = month.cost()
  for (const role of roles) {
    const own = lines.filter((one) => one.role === role)
    const seconds = own.reduce((sum, one) => sum + one.replicaHours * hourS, 0)
    assert.ok(
      Math.abs(seconds - month.upS[role]) < 1,
      `month ${seed}: ${role} ${seconds} s, and ${month.upS[role]} s were up`,
    )
  }
  const all = roles.reduce((sum, role) => sum + month.upS[role], 0)
  assert.ok(Math.abs(total.replicaHours * hourS - all) < 1, `month ${seed}`)
  assert.ok(
    Math.abs((total.money ?? 0) - month.upMoney) < 0.001,
    `month ${seed}: ${total.money} USD, and ${month.upMoney} were spent`,
  )
  const unknownS = gaps.reduce((sum, one) => sum + one.replicaHours * hourS, 0)
  assert.ok(
    Math.abs(unknownS - month.unknownS) < 1,
    `month ${seed}: ${unknownS} s not known, and ${month.unknownS} s were not found again`,
  )
}
