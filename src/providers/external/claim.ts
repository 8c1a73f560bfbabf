/**
 * One replica of somebody else's: an address of its place, claimed → ready → watched → let go of. Nothing that answers there
 * is ever started, stopped or signalled. Journalled before anything is done.
 */
import type { Now } from '../../release/release.ts'
import type {
  Address,
  ExternalSpec,
  Log,
  ReplicaJournal,
  ReplicaRecord,
  ReplicaSeen,
} from '../provider.ts'
import { isOnSpot } from '../on-spot.ts'
import { spellOf } from '../spells.ts'
import type { Spell } from '../spells.ts'
import { sleeperOf } from '../sleep.ts'
import type { Sleeper } from '../sleep.ts'
import { firstAnswer, pause, untilReady, untilSilent } from '../watch-life.ts'
import type { Life } from '../watch-life.ts'

export type Surroundings = {
  journal: ReplicaJournal<ExternalSpec>
  now: () => Now
  log: Log
  /** Addresses that others have claimed, as `host:port`, and who. */
  claimed: (exceptId: string) => ReadonlyMap<string, string>
  changed: () => void
}

/** How soon an address is seen that somebody let go of. */
const addressPollMs = 200

export class Claim {
  readonly id: string
  private record: ReplicaRecord<ExternalSpec>
  private readonly around: Surroundings
  private state: ReplicaSeen['state'] = { name: 'starting' }
  private readonly closed = new AbortController()
  /** What is waited for now; a part of the time until it is let go of. */
  private watch = new AbortController()
  private readonly sleeper: Sleeper

  constructor(record: ReplicaRecord<ExternalSpec>, around: Surroundings) {
    this.id = record.spec.id
    this.record = record
    this.around = around
    if (record.failed !== null) this.state = { name: 'failed', ...record.failed }
    this.sleeper = sleeperOf({
      sleep: record.spec.sleep,
      tls: record.spec.tls,
      replica: () => this.record,
      begin: () => this.nextWatch(),
      note: (asleep) => this.noteSpell(asleep ? 'asleep' : 'awake'),
      set: (state) => this.set(state),
      untilReady: () => {
        const until = this.around.now().up + record.spec.ready.withinS
        return untilReady(this.life(), () => until - this.around.now().up)
      },
      awake: () => {
        this.answered()
        void this.keepWatch()
      },
      // It is not ours to start again: it is asked on and on.
      lost: (because) => {
        this.noteSpell('asleep')
        this.set({ name: 'asleep', because })
      },
      warn: (text) => around.log.warn({ replica: this.id, address: this.address }, text),
    })
  }

  see(): ReplicaSeen {
    const { spec, host, port, restarts, startedAt, endedAt } = this.record
    const { provider, id, service, environment, release, version, digest } = spec
    const labels = { provider, id, service, environment, release, version, digest }
    const { state } = this
    const lost = this.record.losses?.all ?? 0
    const spot = isOnSpot(this.record) ? { spot: { lost, short: false, noticed: false } } : {}
    const seen = { ...labels, host, port, pid: null, gpus: [], startedAt, endedAt, restarts, state }
    return { ...seen, ...spot }
  }

  /** `host:port`; null while it has none. */
  get address(): string | null {
    return this.record.port === 0 ? null : nameOf(this.record)
  }

  /** Returns once the claim is written. @throws what the journal throws; then nothing is claimed */
  begin(): void {
    this.record = { ...this.record, ...this.free(), present: this.since(false) }
    this.around.journal.put(this.record)
    this.around.log.info({ replica: this.id, address: this.address }, 'claimed')
    void this.bringUp()
  }

  /** Takes up what an earlier controller had claimed. */
  async adopt(): Promise<void> {
    const { failed, readyOnce, present, asleep } = this.record
    if (failed !== null) return
    this.around.log.info({ replica: this.id, address: this.address }, 'taken up again')
    if (readyOnce) this.set({ name: 'unready', because: 'not looked at yet since Beryl came back' })
    if (present?.ready !== true) return void this.bringUp()
    if (asleep === true) return this.set({ name: 'asleep' })
    const life = this.life()
    const trouble = await firstAnswer(life)
    if (life.signal.aborted) return
    if (trouble === null) this.answered()
    else this.set({ name: 'unready', because: trouble })
    void this.keepWatch()
  }

  /** Idempotent. Whoever answers there goes on. */
  release(): void {
    if (this.state.name === 'gone') return
    this.close()
    this.set({ name: 'stopping' })
    this.note({ endedAt: this.around.now().wall })
    this.around.log.info({ replica: this.id, address: this.address }, 'let go of')
    this.set({ name: 'gone' })
  }

  close(): void {
    this.closed.abort()
    this.watch.abort()
  }

  sleep(): void {
    this.sleeper.down(this.state)
  }

  wake(): void {
    this.sleeper.up(this.state)
  }

  /** What was waited for is over. */
  private nextWatch(): AbortSignal {
    this.watch.abort()
    this.watch = new AbortController()
    if (this.closed.signal.aborted) this.watch.abort()
    return this.watch.signal
  }

  private async bringUp(): Promise<void> {
    const { signal } = this.closed
    while (this.record.port === 0) {
      await pause(addressPollMs, signal)
      if (signal.aborted) return
      const found = this.free()
      if (found !== null) this.note(found)
      else if (this.leftS() > 0) this.set({ name: 'starting', because: this.noneFree() })
      else return this.fail(`no address within ${this.record.spec.ready.withinS} s`)
    }
    await this.untilItAnswers(() => this.leftS())
  }

  /** Ready, or ready again: the same is asked of both. */
  private async untilItAnswers(leftS: () => number): Promise<void> {
    const life = this.life()
    const trouble = await untilReady(life, leftS, (because) =>
      this.set({ name: this.record.readyOnce ? 'unready' : 'starting', because }),
    )
    if (life.signal.aborted) return
    if (trouble !== null) return this.fail(trouble)
    this.answered()
    return this.keepWatch()
  }

  private async keepWatch(): Promise<void> {
    const life = this.life()
    const { probes, trouble } = await untilSilent(life, () => this.answered())
    if (life.signal.aborted) return
    const because = `no sign of life in ${probes} probes, the last: ${trouble}`
    this.around.log.warn({ replica: this.id, address: this.address }, because)
    this.note({ ...this.afterSilence(), present: this.since(false) })
    this.set({ name: 'unready', because })
    // It is not ours to start again: however long it takes, somebody else does.
    return this.untilItAnswers(() => Infinity)
  }

  /** On spot capacity silence is what there is to see of its being taken away: nothing against the version. */
  private afterSilence(): Partial<ReplicaRecord<ExternalSpec>> {
    const { restarts, losses } = this.record
    if (!isOnSpot(this.record)) return { restarts: restarts + 1 }
    this.noteSpell('away')
    return { losses: { all: (losses?.all ?? 0) + 1, inARow: 1 } }
  }

  private answered(): void {
    const { present, readyOnce } = this.record
    if (this.record.spells?.at(-1)?.is === 'away') this.noteSpell('awake')
    if (present?.ready !== true || !readyOnce)
      this.note({ readyOnce: true, present: this.since(true) })
    this.set({ name: 'ready' })
  }

  private fail(why: string): void {
    const because = this.address === null ? `${why}: ${this.noneFree()}` : `${this.address}: ${why}`
    this.note({ failed: { because, lastLines: [] } })
    this.around.log.error({ replica: this.id }, because)
    this.set({ name: 'failed', because, lastLines: [] })
  }

  /** The first address of its place that nobody has claimed. */
  private free(): Address | null {
    const claimed = this.around.claimed(this.id)
    return this.place().find((address) => !claimed.has(nameOf(address))) ?? null
  }

  private noneFree(): string {
    const claimed = this.around.claimed(this.id)
    const who = this.place().map((one) => `${nameOf(one)} by ${claimed.get(nameOf(one))}`)
    const { environment } = this.record.spec
    return `every address of ${environment} is claimed: ${who.join(', ')}`
  }

  private place(): readonly Address[] {
    const { places, environment } = this.record.spec
    return places[environment]
  }

  /** Seconds since boot; a claim from before a reboot has its whole time again. */
  private leftS(): number {
    const { up } = this.around.now()
    return Math.min(this.record.present?.up ?? up, up) + this.record.spec.ready.withinS - up
  }

  private life(): Life {
    const { spec, host, port } = this.record
    return { spec, host, port, signal: this.watch.signal, whose: 'theirs' }
  }

  private since(ready: boolean): { up: number; ready: boolean } {
    return { up: this.around.now().up, ready }
  }

  private noteSpell(is: Spell['is']): void {
    const change = spellOf(this.record, is, this.around.now().wall)
    if (change !== null) this.note(change)
  }

  /** For what is so already, written or not; the next entry carries it too. */
  private note(change: Partial<ReplicaRecord<ExternalSpec>>): void {
    this.record = { ...this.record, ...change }
    try {
      this.around.journal.put(this.record)
    } catch (error) {
      const { message } = error as Error
      this.around.log.error({ replica: this.id, error: message }, 'could not be journalled')
    }
  }

  private set(state: ReplicaSeen['state']): void {
    const before = JSON.stringify(this.state)
    this.state = state
    if (before !== JSON.stringify(state)) this.around.changed()
  }
}

function nameOf({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
