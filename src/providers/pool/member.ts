/**
 * One model of a pool: waits for a place → is loaded → ready → watched → unloaded. The server is somebody else's and goes on; its model
 * repository is spoken to in the KServe V2 protocol. Journalled before anything is done.
 */
import type { Now } from '../../release/release.ts'
import type { Log, PoolSpec, ReplicaJournal, ReplicaRecord, ReplicaSeen } from '../provider.ts'
import { takeEach } from '../sleep.ts'
import { spellOf } from '../spells.ts'
import { firstAnswer, pause, untilReady, untilSilent } from '../watch-life.ts'
import type { Life } from '../watch-life.ts'

export type Surroundings = {
  journal: ReplicaJournal<PoolSpec>
  now: () => Now
  log: Log
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

export class Member {
  readonly id: string
  private record: ReplicaRecord<PoolSpec>
  private readonly around: Surroundings
  private state: ReplicaSeen['state'] = { name: 'starting' }
  private wish: Wish | null = null
  /** Ends what was under way for the wish before. */
  private turn = new AbortController()
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
    const pool = { name: spec.pool, models: spec.models, model: spec.model }
    const { state } = this
    return { ...labels, host, port, pid: null, gpus: [], pool, startedAt, endedAt, restarts, state }
  }

  get pool(): string {
    return this.record.spec.pool
  }

  /** Its server may have its model in memory, as far as anybody knows. */
  get isIn(): boolean {
    return this.record.asleep !== true
  }

  /** Returns once it is written. @throws what the journal throws; then nothing is asked of the pool */
  begin(): void {
    this.around.journal.put(this.record)
    this.want('loaded')
  }

  /** Takes up what an earlier controller had begun. */
  async adopt(): Promise<void> {
    const { failed, stopping, readyOnce, present } = this.record
    if (stopping) return this.want('gone')
    if (failed !== null) return
    if (!this.isIn && readyOnce) {
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
    void this.keepLoaded(life, trouble === null)
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

  /** Idempotent; nothing follows that it is gone. */
  private want(wish: Wish): void {
    if (this.wish === wish || this.wish === 'gone' || this.closed.signal.aborted) return
    this.wish = wish
    this.turn.abort()
    this.turn = new AbortController()
    const life = this.life()
    if (wish === 'loaded') void this.keepLoaded(life, false)
    else void this.keepOut(life, wish)
  }

  /** @param isReady it answers already */
  private async keepLoaded(life: Life, isReady: boolean): Promise<void> {
    for (let loaded = isReady; !life.signal.aborted;) {
      if (!loaded) {
        await this.untilThereIsRoom(life.signal)
        if (life.signal.aborted) return
        const trouble = await this.load(life)
        if (life.signal.aborted) return
        if (trouble !== null) {
          if (!this.record.readyOnce && this.record.failed !== null) return
          this.set({ name: 'unready', because: trouble })
          await pause(againMs, life.signal)
          continue
        }
        this.answered()
      }
      const { probes, trouble } = await untilSilent(life, () => this.answered())
      if (life.signal.aborted) return
      const because = `no sign of life in ${probes} probes, the last: ${trouble}`
      this.warn(because)
      this.note({ restarts: this.record.restarts + 1, present: this.since(false) })
      this.set({ name: 'unready', because })
      loaded = false
    }
  }

  /** More than its places would be pushed out by the server itself, or take its memory. */
  private async untilThereIsRoom(signal: AbortSignal): Promise<void> {
    const { pool, models } = this.record.spec
    while (!signal.aborted) {
      if (this.isIn) return
      const inside = this.around.others(this).filter(({ isIn }) => isIn)
      // No `await` in between: of two that wait, one takes it.
      if (inside.length < models) return this.noteIn(true)
      const who = inside.map((one) => `${one.record.spec.model} of ${one.record.spec.service}`)
      const because = `pool ${pool} is full (${models}): ${who.join(', ')}`
      this.set({ name: 'starting', because })
      await pause(roomPollMs, signal)
    }
  }

  private async load(life: Life): Promise<string | null> {
    const { sleep, ready } = this.record.spec
    const until = this.around.now().up + ready.withinS
    if (this.state.name !== 'unready') this.set({ name: 'starting' })
    for (;;) {
      const asked = await takeEach(this.record, sleep.up, { ...sleep, signal: life.signal })
      const leftS = () => until - this.around.now().up
      const trouble = asked ?? (await untilReady(life, leftS))
      if (trouble === null || life.signal.aborted) return trouble
      this.warn(`pool ${this.pool} does not load it: ${trouble}`)
      if (this.record.readyOnce) return trouble
      if (leftS() <= 0) {
        this.fail(trouble)
        return trouble
      }
      this.set({ name: 'starting', because: trouble })
      await pause(Math.min(againMs, leftS() * 1000), life.signal)
    }
  }

  /** Out of memory, and for good where it is to be gone. */
  private async keepOut(life: Life, wish: 'unloaded' | 'gone'): Promise<void> {
    const { sleep } = this.record.spec
    const withinS = wish === 'gone' ? Math.min(sleep.withinS, lastUnloadS) : sleep.withinS
    this.set(wish === 'gone' ? { name: 'stopping' } : { name: 'asleep' })
    // What a call that was given up may still do is undone by this one: servers take them in order.
    for (let tries = 1; this.isIn && !life.signal.aborted; tries++) {
      const trouble = await takeEach(this.record, sleep.down, { withinS, signal: life.signal })
      if (life.signal.aborted) return
      if (trouble === null) {
        this.noteIn(false)
        break
      }
      this.warn(`pool ${this.pool} does not unload it (${tries} times): ${trouble}`)
      if (wish === 'unloaded') this.set({ name: 'asleep', because: trouble })
      else if (tries >= lastUnloadsMax) break
      await pause(againMs, life.signal)
    }
    if (wish !== 'gone' || life.signal.aborted) return this.around.changed()
    this.note({ endedAt: this.around.now().wall })
    this.close()
    this.set({ name: 'gone' })
  }

  private answered(): void {
    const { present, readyOnce } = this.record
    if (present?.ready !== true || !readyOnce)
      this.note({ readyOnce: true, present: this.since(true) })
    this.set({ name: 'ready' })
  }

  private fail(because: string): void {
    this.note({ failed: { because, lastLines: [] } })
    this.set({ name: 'failed', because, lastLines: [] })
  }

  private life(): Life {
    const { spec, host, port } = this.record
    return { spec, host, port, signal: this.turn.signal, whose: 'theirs' }
  }

  private since(ready: boolean): { up: number; ready: boolean } {
    return { up: this.around.now().up, ready }
  }

  /** Written before it is asked to load, and once it is unloaded. */
  private noteIn(isIn: boolean): void {
    const change = spellOf(this.record, isIn ? 'awake' : 'asleep', this.around.now().wall)
    if (change !== null) this.note({ ...change, ...(isIn ? {} : { present: this.since(false) }) })
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
    this.around.log.warn({ replica: this.id, pool: this.pool }, text)
  }

  private set(state: ReplicaSeen['state']): void {
    const before = JSON.stringify(this.state)
    this.state = state
    if (before !== JSON.stringify(state)) this.around.changed()
  }
}
