/**
 * One model of a pool: waits for a place → is loaded → ready → watched → unloaded. The servers are somebody else's and go on; their model
 * repository is spoken to in the KServe V2 protocol. Journalled before anything is done.
 */
import type { Now } from '../../release/release.ts'
import type {
  Address,
  Log,
  PoolSpec,
  ReplicaJournal,
  ReplicaRecord,
  ReplicaSeen,
} from '../provider.ts'
import { takeEach } from '../sleep.ts'
import { spellOf } from '../spells.ts'
import { firstAnswer, pause, untilReady, untilSilent } from '../watch-life.ts'
import type { Life } from '../watch-life.ts'
import { isSame, nameOf } from './servers.ts'
import type { Servers, Tenant } from './servers.ts'

export type Surroundings = {
  journal: ReplicaJournal<PoolSpec>
  now: () => Now
  log: Log
  servers: Servers
  /** Who else is in its pool, or may be. */
  others: (member: Member) => readonly Member[]
  changed: () => void
}

type Wish = 'loaded' | 'unloaded' | 'gone'

/** What was refused is asked for again after this. */
const againMs = 2000
/** Whether somebody has left the pool is looked at so often. */
const roomPollMs = 100
/** A server that does not unload what is over is not waited for for ever: so many times, s each. */
const lastUnloadsMax = 3
const lastUnloadS = 10

export class Member implements Tenant {
  readonly id: string
  private record: ReplicaRecord<PoolSpec>
  private readonly around: Surroundings
  private state: ReplicaSeen['state'] = { name: 'starting' }
  private wish: Wish | null = null
  /** Ends what was under way for the wish before. */
  private turn = new AbortController()
  private cleaning: Promise<void> | null = null
  private readonly closed = new AbortController()

  constructor(record: ReplicaRecord<PoolSpec>, around: Surroundings) {
    this.id = record.spec.id
    this.record = record
    this.around = around
    if (record.failed !== null) this.state = { name: 'failed', ...record.failed }
  }

  see(): ReplicaSeen {
    const { spec, host, port, restarts, startedAt, endedAt } = this.record
    const { provider, id, service, environment, release, version, digest } = spec
    const labels = { provider, id, service, environment, release, version, digest }
    const models = this.around.servers.placesOf(spec)
    const pool = { name: spec.pool, models, model: spec.model, tls: spec.tls }
    const { state } = this
    return { ...labels, host, port, pid: null, gpus: [], pool, startedAt, endedAt, restarts, state }
  }

  get spec(): PoolSpec {
    return this.record.spec
  }

  get place(): Address | null {
    return this.record.asleep === true ? null : (this.record.place ?? null)
  }

  get left(): readonly Address[] {
    return this.record.left ?? []
  }

  /** Returns once it is written. @throws what the journal throws; then nothing is asked of the pool */
  begin(): void {
    this.around.journal.put(this.record)
    const other = this.around
      .others(this)
      .find(({ spec }) => spec.model === this.spec.model && spec.service !== this.spec.service)
    if (other === undefined) return this.want('loaded')
    this.fail(
      `${this.spec.model} in pool ${this.spec.pool} is ${other.spec.service}'s model: one name there is one model, give each service names of its own`,
    )
  }

  /** Takes up what an earlier controller had begun. */
  async adopt(): Promise<void> {
    const { failed, stopping, readyOnce, present } = this.record
    if (stopping) return this.want('gone')
    if (failed !== null) return
    if (this.place === null && readyOnce) {
      this.wish = 'unloaded'
      return this.set({ name: 'asleep' })
    }
    if (present?.ready !== true) return this.want('loaded')
    this.wish = 'loaded'
    const life = this.life()
    const trouble = await firstAnswer(life)
    if (life.signal.aborted) return
    if (trouble === null) this.answered()
    else this.set({ name: 'unready', because: trouble })
    void this.keepLoaded(life.signal, trouble === null)
  }

  sleep(): void {
    if (this.record.failed === null) this.want('unloaded')
  }

  wake(): void {
    if (this.record.failed === null) this.want('loaded')
  }

  release(): void {
    this.note({ stopping: true })
    this.want('gone')
  }

  close(): void {
    this.closed.abort()
    this.turn.abort()
  }

  /** One at a time; nothing is loaded where that goes on. */
  cleanUp(): Promise<void> {
    this.cleaning ??= this.unloadLeft().finally(() => (this.cleaning = null))
    return this.cleaning
  }

  /** Idempotent; nothing follows that it is gone. */
  private want(wish: Wish): void {
    if (this.wish === wish || this.wish === 'gone' || this.closed.signal.aborted) return
    this.wish = wish
    this.turn.abort()
    this.turn = new AbortController()
    const { signal } = this.turn
    if (wish === 'loaded') void this.keepLoaded(signal, false)
    else void this.keepOut(signal, wish)
  }

  /** @param isReady it answers already */
  private async keepLoaded(signal: AbortSignal, isReady: boolean): Promise<void> {
    for (let loaded = isReady; !signal.aborted; loaded = false) {
      if (!loaded && !(await this.bringIn(signal))) return
      const life = this.life()
      const { probes, trouble } = await untilSilent(life, () => this.answered())
      if (signal.aborted) return
      const because = `no sign of life in ${probes} probes, the last: ${trouble}`
      this.warn(because)
      this.note({ restarts: this.record.restarts + 1, present: this.since(false) })
      this.set({ name: 'unready', because })
      await this.around.servers.look(this.spec, 0)
      if (signal.aborted) return
      const lost = this.around.servers.troubleOf(life)
      if (lost !== null) this.leave(`${nameOf(life)} is lost: ${lost}`)
    }
  }

  /** Until it is in memory and answers. @returns false when it has failed, or is not to be loaded any more */
  private async bringIn(signal: AbortSignal): Promise<boolean> {
    const { servers, ready } = this.spec
    const refusedBy = new Set<string>()
    const { now } = this.around
    let until: number | null = null
    for (;;) {
      await this.untilThereIsRoom(signal, refusedBy)
      if (signal.aborted) return false
      // Each server has the whole time.
      until ??= now().up + ready.withinS * servers.length
      const trouble = await this.load()
      if (signal.aborted) return false
      if (trouble === null) return true
      const at = nameOf(this.place!)
      this.warn(`${at} does not load it: ${trouble}`)
      if (!this.record.readyOnce && now().up >= until) {
        this.fail(trouble)
        return false
      }
      this.set({ name: this.record.readyOnce ? 'unready' : 'starting', because: trouble })
      refusedBy.add(at)
      const wereAll = refusedBy.size === servers.length
      if (wereAll) refusedBy.clear()
      this.leave(trouble)
      const next = this.around.servers.choose(this, refusedBy)
      if (!wereAll && next !== null && !refusedBy.has(nameOf(next))) continue
      await pause(againMs, signal)
    }
  }

  /** More than there are places would be pushed out by the server itself, or take its memory. */
  private async untilThereIsRoom(signal: AbortSignal, refusedBy: Set<string>): Promise<void> {
    const { servers } = this.around
    while (!signal.aborted && this.place === null) {
      await servers.look(this.spec, againMs)
      if (signal.aborted) return
      const isLeaving = this.around
        .others(this)
        .some(({ spec, place }) => spec.model === this.spec.model && place !== null)
      // No `await` in between: of two that wait, one takes it.
      const place = isLeaving ? null : servers.choose(this, refusedBy)
      if (place !== null) return this.noteIn(place)
      const because = isLeaving
        ? `${this.spec.model} of the release before has not left pool ${this.spec.pool} yet`
        : servers.whyFull(this.spec)
      this.set({ name: this.state.name === 'unready' ? 'unready' : 'starting', because })
      await pause(roomPollMs, signal)
    }
  }

  /** @returns null once it answers */
  private async load(): Promise<string | null> {
    const life = this.life()
    const { sleep, ready, tls } = this.spec
    const until = this.around.now().up + ready.withinS
    if (this.state.name !== 'unready') this.set({ name: 'starting' })
    const asked = await takeEach({ ...life, process: null, tls }, sleep.up, {
      ...sleep,
      signal: life.signal,
    })
    return asked ?? (await untilReady(life, () => until - this.around.now().up))
  }

  /** For another server, where there is one; what it was asked for here may still be done. */
  private leave(because: string): void {
    const { place } = this
    if (place === null || this.spec.servers.length === 1) return
    this.around.log.warn({ replica: this.id, server: nameOf(place) }, `left: ${because}`)
    this.note({ left: [...this.left.filter((one) => !isSame(one, place)), place] })
    this.noteOut()
    void this.cleanUp()
  }

  private async unloadLeft(): Promise<void> {
    for (const at of this.left) {
      if (this.around.servers.troubleOf(at) !== null) continue
      if ((await this.unload(at, lastUnloadS, this.closed.signal)) === null)
        this.note({ left: this.left.filter((one) => !isSame(one, at)) })
    }
  }

  /** Out of memory, and for good where it is to be gone. */
  private async keepOut(signal: AbortSignal, wish: 'unloaded' | 'gone'): Promise<void> {
    const { sleep } = this.spec
    const withinS = wish === 'gone' ? Math.min(sleep.withinS, lastUnloadS) : sleep.withinS
    this.set(wish === 'gone' ? { name: 'stopping' } : { name: 'asleep' })
    // What a call that was given up may still do is undone by this one: servers take them in order.
    for (let tries = 1; this.place !== null && !signal.aborted; tries++) {
      const trouble = await this.unload(this.place, withinS, signal)
      if (signal.aborted) return
      if (trouble === null) {
        this.noteOut()
        break
      }
      this.warn(`pool ${this.spec.pool} does not unload it (${tries} times): ${trouble}`)
      if (wish === 'unloaded') this.set({ name: 'asleep', because: trouble })
      else if (tries >= lastUnloadsMax) break
      await pause(againMs, signal)
    }
    if (wish !== 'gone' || signal.aborted) return this.around.changed()
    await this.cleanUp()
    for (const at of this.left) this.warn(`it may be in the memory of ${nameOf(at)} still`)
    this.note({ endedAt: this.around.now().wall })
    this.close()
    this.set({ name: 'gone' })
  }

  /**
   * @returns null once it is out of memory there. MLServer answers 404 to what is not loaded, as after a restart; Triton answers before it
   * has unloaded it, https://github.com/triton-inference-server/server/pull/5423
   */
  private async unload(at: Address, withinS: number, signal: AbortSignal): Promise<string | null> {
    const { sleep, tls, model } = this.spec
    const { servers, now } = this.around
    const until = now().up + withinS
    const trouble = await takeEach({ ...at, process: null, tls }, sleep.down, { withinS, signal })
    for (;;) {
      if (!signal.aborted) await servers.look(this.spec, 0)
      if (signal.aborted) return trouble
      const held = servers.isHeld(at, model)
      if (held === false || (trouble === null && held === null)) break
      if (trouble !== null) return trouble
      if (now().up >= until)
        return `its index lists ${model} still, ${withinS} s after it was to go`
      await pause(roomPollMs, signal)
    }
    servers.unloaded(at, model)
    return null
  }

  private answered(): void {
    const { present, readyOnce } = this.record
    // Only now: what is routed goes where it answered last.
    if (present?.ready !== true || !readyOnce)
      this.note({ ...this.place, readyOnce: true, present: this.since(true) })
    this.set({ name: 'ready' })
  }

  private fail(because: string): void {
    this.note({ failed: { because, lastLines: [] } })
    this.set({ name: 'failed', because, lastLines: [] })
  }

  private life(): Life {
    const { host, port } = this.place ?? this.record
    return { spec: this.spec, host, port, signal: this.turn.signal, whose: 'theirs' }
  }

  private since(ready: boolean): { up: number; ready: boolean } {
    return { up: this.around.now().up, ready }
  }

  /** Written before it is asked to load. */
  private noteIn(place: Address): void {
    const change = spellOf(this.record, 'awake', this.around.now().wall)
    const left = this.left.filter((one) => !isSame(one, place))
    this.note({ ...change, place, left })
  }

  /** Written once it is unloaded, or left behind. */
  private noteOut(): void {
    const change = spellOf(this.record, 'asleep', this.around.now().wall)
    if (change !== null) this.note({ ...change, present: this.since(false) })
  }

  private note(change: Partial<ReplicaRecord<PoolSpec>>): void {
    this.record = { ...this.record, ...change }
    try {
      this.around.journal.put(this.record)
    } catch (error) {
      const { message } = error as Error
      this.around.log.error({ replica: this.id, error: message }, 'could not be journalled')
    }
  }

  private warn(text: string): void {
    this.around.log.warn({ replica: this.id, pool: this.spec.pool }, text)
  }

  private set(state: ReplicaSeen['state']): void {
    const before = JSON.stringify(this.state)
    this.state = state
    if (before !== JSON.stringify(state)) this.around.changed()
  }
}
