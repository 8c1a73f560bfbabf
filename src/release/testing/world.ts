/**
 * A world for the heart: replicas, a gateway, an examiner and a guard as plain values, and a controller that walks
 * look → advance → save → make it so with the real functions, and may be killed between any two actions. Every step is held to
 * the promises; a breach throws.
 */
import assert from 'node:assert/strict'
import { advance } from '../advance.ts'
import { apply, begin, settle } from '../commands.ts'
import type { Asked } from '../commands.ts'
import { enter, nextGeneration } from '../enter.ts'
import { gatesTaken } from '../gates.ts'
import { nextActions } from '../next-actions.ts'
import type { Action } from '../next-actions.ts'
import { isEnd } from '../release.ts'
import type { GateState, Now, Release, Rules, Service } from '../release.ts'
import type { Refusal } from '../release-can.ts'
import type { Crowd, GuardFact, Hold, ReplicaFact, Seen, Spent } from '../seen.ts'
import { WorldOfGateway } from './world-of-gateway.ts'
import { newRelease, newService, plainRules } from './plain.ts'
import { hold, holdEvidence, holdGatesOpen, holdHeld, holdStep } from './promises.ts'

const unwritable: Refusal = { code: 'unwritable', reason: 'the disk is full', hint: 'make room' }
const watched = (release: Release | null) =>
  release?.phase.name === 'watching' || release?.phase.name === 'switching'
const movesPerLookMax = 12

/** The journal takes no writes. */
class DiskFull extends Error {}

export class World extends WorldOfGateway {
  service: Service = newService
  now: Now = { wall: 1_700_000_000_000, up: 1000 }
  replicas = new Map<string, ReplicaFact>()
  /** What a controller that starts now reads. */
  private written = this.service
  gates = new Map<string, GateState[]>()
  /** Replicas on spot capacity that cannot be had again yet. */
  readonly away = new Set<string>()
  guard: GuardFact = { decision: 'hold', because: 'nothing seen yet' }
  /** Windows that are closed, and freezes. */
  holds: Hold[] = []
  /** What gates find, and what live is asked a second. */
  evidence: Record<string, unknown> = {}
  peak: number | null = null
  /** Of its budgets. */
  spent: Spent[] = []
  crowd: Crowd | null = null
  readonly ended: Release[] = []
  readonly log: string[] = []
  /** Why each move was made, in order. */
  readonly said: string[] = []
  waitingFor = ''
  private releases = 0
  private started = 0

  /** @returns the release, or the refusal */
  deploy(
    version: string,
    {
      kind = 'deploy',
      replace = false,
      keepsStandby = false,
      rules = plainRules,
      replicas = this.service.live?.replicas ?? 1,
      spot,
    }: {
      kind?: Release['kind']
      replace?: boolean
      keepsStandby?: boolean
      rules?: Rules
      replicas?: number
      spot?: Release['bundle']['spot']
    } = {},
  ): Release | Refusal {
    const own = { version, digest: `sha256:${version}`, replicas }
    const bundle = spot === undefined ? own : { ...own, spot }
    const id = `r${this.releases + 1}`
    const made = newRelease(bundle, this.now, { id, kind, rules })
    const release: Release = keepsStandby ? { ...made, keepsStandby } : made
    const applied = begin(this.service, release, replace, this.now)
    if ('refused' in applied) return applied.refused
    if (!this.saved(applied.service)) return unwritable
    this.releases++
    if (applied.ended !== null) this.ended.push(applied.ended)
    return release
  }

  /** @returns null, or why it was refused: then nothing has changed */
  command(
    command: Asked['command'],
    {
      skipGate = null,
      release = this.service.release,
      hard = false,
    }: { skipGate?: string | null; release?: Release | null; hard?: boolean } = {},
  ): Refusal | null {
    if (release === null || isEnd(release.phase))
      return { code: 'no-release', reason: '', hint: '' }
    const asked = { command, by: 'ann', reason: 'because', skipGate, hard }
    const applied = apply(this.service, release.id, asked, this.now)
    if ('refused' in applied) return applied.refused
    if (!this.saved(applied.service, command === 'rollback')) return unwritable
    if (applied.ended !== null) this.ended.push(applied.ended)
    return null
  }

  pass(seconds: number): void {
    this.now = { wall: this.now.wall + seconds * 1000, up: this.now.up + seconds }
  }

  /**
   * What is on spot capacity is taken away; it is asked for again, and `short`: not had so often that others stand in for it.
   * `stays`: until it is taken out of `away`.
   */
  takeAway(id: string, short = false, stays = false): void {
    if (this.replicas.get(id)?.spot !== true) return
    if (stays) this.away.add(id)
    const { short: _, ...rest } = this.replicas.get(id)!
    const state = rest.state === 'starting' ? 'starting' : 'unready'
    const lost = { ...rest, state, because: 'it was taken away' } as const
    this.replicas.set(id, short ? { ...lost, short: true } : lost)
  }

  /** Everything that ran on the machine is gone; the routes file and the journal are not. */
  reboot(): void {
    this.replicas.clear()
    this.left()
    this.killGateway()
    this.kill()
    this.now = { wall: this.now.wall + 60_000, up: 5 }
  }

  /** `kill -9` of the controller, and its successor: what was not written has not happened. */
  kill(): void {
    this.service = this.written
  }

  /** One walk of the loop. @param actionsMax the controller is killed after so many actions */
  tick(actionsMax = Infinity): void {
    const seen = this.look()
    if (this.decide(seen)) {
      for (const action of nextActions(this.service, seen, this.now).slice(0, actionsMax)) {
        const before = this.service
        this.attempt(() => this.act(action))
        if (this.service !== before) break
      }
    }
    if (actionsMax < Infinity) this.kill()
    hold(this)
  }

  /** @returns false where the journal took no write: then nothing is acted on */
  private decide(seen: Seen): boolean {
    return this.attempt(() => this.walk(seen))
  }

  private walk(seen: Seen): void {
    for (let moves = 0; ; moves++) {
      assert.ok(moves < movesPerLookMax, 'a look ends')
      const { release } = this.service
      if (release === null) break
      if (isEnd(release.phase)) {
        this.save(settle(this.service))
        this.ended.push(release)
        continue
      }
      const move = advance(this.service, release, seen, this.now)
      if ('waitingFor' in move) {
        this.waitingFor = move.waitingFor
        break
      }
      if (move.to === 'switching' && release.phase.name !== 'switching')
        holdGatesOpen(release, this.gates.get(release.id) ?? [], this.now)
      if (move.to === 'stabilizing' && release.phase.name === 'watching')
        holdEvidence(release, this.guard)
      if (move.to === 'switching') {
        holdStep(release, this.guard)
        holdHeld(release, this.holds)
      }
      this.save(enter(this.service, release, move, this.now), move.to === 'rolling-back')
      this.said.push('why' in move ? move.why : move.because)
    }
  }

  private attempt(act: () => void): boolean {
    try {
      act()
      return true
    } catch (error) {
      if (error instanceof DiskFull) return false
      throw error
    }
  }

  private saved(next: Service, mayGoUnwritten = false): boolean {
    return this.attempt(() => this.save(next, mayGoUnwritten))
  }

  /** A world that behaves: what starts gets ready, what is asked is answered well, what is in flight ends. */
  behave(seconds = 1): void {
    this.gatewayUp = true
    this.diskFull = false
    this.inFlight = { blue: 0, green: 0 }
    this.left()
    for (const [id, { short: _, ...replica }] of this.replicas)
      if (replica.state !== 'failed' && replica.state !== 'asleep' && !this.away.has(id))
        this.replicas.set(id, { ...replica, state: 'ready', because: '' })
    this.decideGate('pass')
    this.pass(seconds)
    this.tick()
  }

  until(phase: string, what: (world: World) => void = () => {}): Release {
    for (let step = 0; step < 200; step++) {
      const release = this.service.release
      if (release?.phase.name === phase) return release
      const last = this.ended.at(-1)
      if (last?.phase.name === phase && release === null) return last
      what(this)
      this.behave()
    }
    return assert.fail(
      `never ${phase}: ${this.service.release?.phase.name}, waiting for ${this.waitingFor}`,
    )
  }

  decideGate(verdict: 'pass' | 'fail' | 'undecided'): void {
    const { release } = this.service
    if (release === null) return
    const states = this.gates.get(release.id) ?? []
    const decided = states.map((state): GateState =>
      state.state === 'running'
        ? {
            ...state,
            state: 'decided',
            at: this.now.wall,
            verdict,
            because: verdict,
            evidence: this.evidence,
          }
        : state,
    )
    this.gates.set(release.id, decided)
  }

  replicasOf(release: string): ReplicaFact[] {
    return [...this.replicas.values()].filter((replica) => replica.release === release)
  }

  change(id: string, change: Partial<ReplicaFact>): void {
    const replica = this.replicas.get(id)
    if (replica !== undefined) this.replicas.set(id, { ...replica, ...change })
  }

  look(): Seen {
    const { release } = this.service
    const known = release === null ? [] : (this.gates.get(release.id) ?? [])
    const gates =
      release === null
        ? []
        : gatesTaken(release).taken.map(
            ({ name }) =>
              known.find((one) => one.name === name) ?? { name, state: 'waiting' as const },
          )
    return {
      replicas: [...this.replicas.values()],
      gateway: this.gatewayUp ? this.gatewayFact() : null,
      gates,
      guard: watched(release) ? this.guard : null,
      holds: this.holds,
      peak: this.peak,
      spent: this.spent,
      ...(this.crowd === null ? {} : { crowd: this.crowd }),
    }
  }

  private act(action: Action): void {
    // These are journalled before they are done; the gateway's moves journal for themselves.
    if (this.diskFull && ['start', 'stop', 'stop-replaced', 'gate', 'retire'].includes(action.do))
      throw new DiskFull()
    this.log.push(action.do)
    switch (action.do) {
      case 'start':
        for (let index = 0; index < action.count; index++) this.start(action)
        return
      case 'stop': {
        const replica = this.replicas.get(action.replica)
        assert.ok(
          replica === undefined ||
            replica.state === 'failed' ||
            (this.table?.live !== replica.environment &&
              this.table?.split?.to !== replica.environment),
          'promise 1: a replica that live traffic goes to is not stopped',
        )
        this.replicas.delete(action.replica)
        return
      }
      case 'stop-replaced':
        this.notRouted(action.replica)
        this.replicas.delete(action.replica)
        return
      case 'push-out':
        this.notRouted(action.replica)
        this.change(action.replica, { state: 'asleep' })
        return
      case 'call-back':
        return
      case 'wake':
        for (const id of action.replicas) this.change(id, { state: 'starting' })
        return
      case 'sleep': {
        const { environment } = action
        assert.notEqual(this.table?.live, environment, 'promise 1: what is live does not sleep')
        assert.equal(this.table?.environments[environment] ?? null, null, 'out of the routes first')
        assert.equal(this.openIn(environment), 0, 'promise 3: nothing open is cut')
        for (const id of action.replicas) this.change(id, { state: 'asleep' })
        return
      }
      case 'gate': {
        const id = this.service.release!.id
        const others = (this.gates.get(id) ?? []).filter(({ name }) => name !== action.gate)
        this.gates.set(id, [
          ...others,
          { name: action.gate, state: 'running', attempt: action.attempt },
        ])
        return
      }
      case 'route':
        return this.route(action)
      case 'store-back':
        if (!this.gatewayUp || this.back?.generation !== action.generation) return
        return this.store(this.back, null)
      case 'cut':
        assert.notEqual(this.table?.live, action.environment, 'promise 3: nothing live is cut')
        assert.notEqual(this.table?.split?.to, action.environment, 'promise 3: nor a part of it')
        this.inFlight[action.environment] = 0
        if (this.leaving !== null) this.leaving.inFlight[action.environment] = 0
        return
      case 'retire':
        return this.retire(action)
    }
  }

  private start({ environment, placed, pool, spot }: Action & { do: 'start' }): void {
    assert.ok(spot === undefined || placed.spot !== undefined, 'it knows how to start there')
    const id = `${placed.release}-${++this.started}`
    this.replicas.set(id, {
      id,
      environment,
      release: placed.release,
      digest: placed.digest,
      state: 'starting',
      because: '',
      address: { host: '127.0.0.1', port: this.started },
      restarts: 0,
      ...(spot === undefined ? {} : { spot }),
      ...(pool === undefined ? {} : { pool: { name: pool, holds: true, heldBy: [] } }),
    })
  }

  /** As the shell does it: a new generation is journalled first; the gateway refuses what is old or empty. */
  private route({ routes, back, generation }: Action & { do: 'route' }): void {
    const row = generation === null ? nextGeneration(this.service) : this.service
    if (generation === null) this.save(row)
    if (!this.gatewayUp) return
    // The gateway writes its routes down before it stores them; only a rollback goes on without.
    if (this.diskFull && this.service.release?.phase.name !== 'rolling-back') throw new DiskFull()
    const wanted = generation ?? (row.back === null ? row.generation : row.generation - 1)
    if (wanted <= (this.table?.generation ?? 0)) return
    if (back !== null && row.back !== null && row.back <= wanted) return
    if (routes.live === null && this.table?.live != null) return
    for (const one of [routes, back])
      if (one?.live != null && one.environments[one.live] === null) return
    this.store(
      { ...routes, generation: wanted },
      back === null || row.back === null ? null : { ...back, generation: row.back },
    )
  }

  private retire({ environment, replicas }: Action & { do: 'retire' }): void {
    if (!this.gatewayUp) return
    this.forget(environment)
    for (const id of replicas) this.replicas.delete(id)
  }

  private save(next: Service, mayGoUnwritten = false): void {
    if (this.diskFull && !mayGoUnwritten) throw new DiskFull()
    assert.ok(next.generation >= this.service.generation, 'the generation never falls')
    assert.ok(
      this.service.live === null || next.live !== null,
      'promise 1: a live version stays one',
    )
    assert.ok(next.back === null || next.back > 0)
    this.service = next
    if (!this.diskFull) this.written = next
  }
}
