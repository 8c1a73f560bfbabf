/**
 * One replica: start → ready → watched → stopped, with restarts. Journalled before anything is done.
 *
 * A *life* is one process of it. Everything that is waited for belongs to a life; when that is over its signal is
 * aborted, and what it still reports is not listened to.
 */
import { bootId, isAlive } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import type { ProcessSpec, ReplicaRecord, ReplicaSeen } from '../provider.ts'
import { sleeperOf } from '../sleep.ts'
import { spellOf } from '../spells.ts'
import type { Spell } from '../spells.ts'
import type { Sleeper } from '../sleep.ts'
import { firstAnswer, pause, untilReady, untilSilent } from '../watch-life.ts'
import type { Life } from '../watch-life.ts'
import { endSession, killSession } from './end-session.ts'
import { CannotRun, launch } from './launch.ts'
import { markedLeader } from './marks.ts'
import { portOf } from './ports.ts'
import { deathsInARow, restartInMs } from './restarts.ts'
import { chooseSlots } from './slots.ts'
import type { Choice, Holder } from './slots.ts'
import { seenOf } from './seen-of.ts'
import { SpotCapacity } from './spot.ts'
import type { Surroundings } from './surroundings.ts'
import { untilDead } from './until-dead.ts'
import { WrittenRecord } from './written-record.ts'

const host = '127.0.0.1'
const slotPollMs = 200
const failedLines = 20
const unreadyLines = 3

export class Replica {
  readonly id: string
  private readonly written: WrittenRecord
  private readonly around: Surroundings
  private state: ReplicaSeen['state'] = { name: 'starting' }
  private life = new AbortController()
  private readonly closed = new AbortController()
  private deaths = 0
  /** Seconds since boot; null while this life has not answered. */
  private readySinceUp: number | null = null
  /** Why we killed it: a better reason than the signal it died of. */
  private killedBecause: string | null = null
  private readonly spot: SpotCapacity | null
  private ending = false
  private readonly sleeper: Sleeper

  constructor(record: ReplicaRecord<ProcessSpec>, around: Surroundings) {
    this.id = record.spec.id
    this.written = new WrittenRecord(record, around)
    this.around = around
    if (record.failed !== null) this.state = { name: 'failed', ...record.failed }
    this.spot = SpotCapacity.of(record, around, (because) => this.kill(because))
    this.sleeper = sleeperOf({
      sleep: record.spec.sleep,
      replica: () => this.record,
      begin: () => this.sameProcess(),
      note: (asleep) => this.noteSpell(asleep ? 'asleep' : 'awake'),
      set: (state) => this.set(state),
      untilReady: (life) => this.answersAgain(life),
      awake: (life) => {
        this.answered()
        void this.keepAlive(life)
      },
      // A new process is awake, and takes longer to come.
      lost: (because) => this.kill(because),
      warn: (text) => around.log.warn({ replica: this.id }, text),
    })
  }

  see(): ReplicaSeen {
    const { record, state, spot } = this
    const holders = () => this.around.holders(this.id)
    return { ...seenOf(record, state, holders), ...spot?.seen(record) }
  }

  holder(): Holder {
    const { gpus, stopping, failed, spec } = this.record
    const { id, state } = this
    const leaving = stopping || failed !== null
    return { id, gpus, leaving, lends: state.name === 'asleep', leases: spec.leases === true }
  }

  private get record(): ReplicaRecord<ProcessSpec> {
    return this.written.record
  }

  get port(): number {
    return this.record.port
  }

  /** First start. Returns once the intent is written. @throws what the journal throws; then nothing was started */
  begin(): void {
    this.around.journal.put(this.record)
    void this.bringUp(this.nextLife())
  }

  /** Takes up what an earlier controller left: alive by identity, or by its mark, or dead. */
  async adopt(): Promise<void> {
    const { process: known, stopping, failed, readyOnce, present } = this.record
    if (known !== null && known.bootId !== bootId()) return this.endedWithTheMachine()
    if (stopping) return this.stop()
    if (failed !== null) return void this.clearAway()
    const found = known !== null && isAlive(known) ? known : markedLeader(this.id)
    const life = this.nextLife()
    if (found === null) {
      this.around.log.warn({ replica: this.id }, 'its process is gone')
      return void this.died(life, 'the process ended while no controller was there')
    }

    this.around.log.info({ replica: this.id, pid: found.pid }, 'taken up again')
    this.written.note({ process: found })
    this.watch(found, life)
    if (this.record.asleep === true) return this.set({ name: 'asleep' })
    if (readyOnce) this.set({ name: 'unready', because: 'not looked at yet since Beryl came back' })
    if (present?.ready !== true) return void this.follow(life)
    const trouble = await firstAnswer(this.watched(life))
    if (life.aborted) return
    if (trouble === null) this.answered()
    else this.set({ name: 'unready', because: trouble })
    void this.keepAlive(life)
  }

  /** Idempotent: a second call must not begin the grace again. */
  stop(): void {
    if (this.ending || this.state.name === 'gone') return
    this.ending = true
    this.nextLife()
    this.written.note({ stopping: true })
    this.set({ name: 'stopping' })
    this.around.log.info({ replica: this.id, pid: this.record.process?.pid }, 'stopping')
    void this.bringDown()
  }

  sleep(): void {
    this.sleeper.down(this.state)
  }

  /** Not while somebody else is on its accelerators: there would be no room. */
  wake(): void {
    const { lentTo: who = [] } = this.see()
    if (who.length === 0 || this.state.name !== 'asleep') return this.sleeper.up(this.state)
    this.set({ name: 'asleep', because: `its GPU slots are leased to ${who.join(', ')}` })
  }

  /** For the ledger: what somebody else is on is not reserved. */
  noteLease(): void {
    if (this.state.name !== 'asleep') return
    this.noteSpell((this.see().lentTo ?? []).length > 0 ? 'lent' : 'asleep')
  }

  private noteSpell(is: Spell['is']): void {
    const change = spellOf(this.record, is, this.around.now().wall)
    if (change !== null) this.written.note(change)
  }

  close(): void {
    this.closed.abort()
    this.life.abort()
  }

  /** Never rejects: what goes wrong is a death of the replica. */
  private async bringUp(life: AbortSignal): Promise<void> {
    try {
      for (;;) {
        const choice = await this.around.inTurn(() => this.place(life))
        if (life.aborted) return
        if ('slots' in choice) break
        if ('impossible' in choice)
          return this.spot === null
            ? this.fail(choice.impossible)
            : this.died(life, choice.impossible)
        this.notNow(choice.wait)
        await pause(slotPollMs, life)
        if (life.aborted) return
      }
    } catch (error) {
      return void this.died(life, `it could not be started: ${(error as Error).message}`)
    }
    this.run(life)
  }

  /** Chooses slots and port, and writes them down. */
  private async place(life: AbortSignal): Promise<Choice> {
    const { spec, gpus, port } = this.record
    const { gpuSlots: all, holders, portsTaken } = this.around
    const choice = chooseSlots({
      count: spec.gpus,
      all,
      holders: holders(this.id),
      before: gpus,
      leases: spec.leases === true,
      waits: spec.waits === true,
    })
    if (!('slots' in choice) || life.aborted) return choice
    const taken = portsTaken(this.id)
    const chosen = await portOf(host, { always: spec.port, before: port, taken })
    if (typeof chosen !== 'number') return chosen
    if (life.aborted) return choice
    const change = { host, port: chosen, gpus: choice.slots, process: null }
    // A first start happens only as written. A replica that served before is not kept down by a full disk: its mark is found.
    if (this.record.readyOnce) this.written.note(change)
    else this.written.write(change)
    if (chosen !== port) this.around.changed()
    return choice
  }

  /** No `await` between the spawn and its journal entry: nobody can ask to stop what is not yet known. */
  private run(life: AbortSignal): void {
    const { spec, port, gpus } = this.record
    const { identity, exited } = launch(spec, port, gpus, this.around.logs)
    this.written.note({ process: identity, present: { up: this.around.now().up, ready: false } })
    this.noteSpell('awake')
    this.around.log.info({ replica: this.id, pid: identity?.pid, port, gpus }, 'started')
    exited.then(
      (how) => this.died(life, `the process ended (${how})`),
      (error: CannotRun) => this.neverRan(life, error),
    )
    void this.follow(life)
    void this.spot?.lookForNotice(() => this.record, life)
  }

  private async follow(life: AbortSignal): Promise<void> {
    const { spec, present } = this.record
    const until = (present?.up ?? this.around.now().up) + spec.ready.withinS
    const trouble = await untilReady(this.watched(life), () => until - this.around.now().up)
    if (life.aborted) return
    if (trouble !== null) return this.notReady(trouble)
    this.answered()
    return this.keepAlive(life)
  }

  private async keepAlive(life: AbortSignal): Promise<void> {
    const { probes, trouble } = await untilSilent(this.watched(life), () => this.answered())
    if (life.aborted) return
    this.kill(`no sign of life in ${probes} probes, the last: ${trouble}`)
  }

  private answersAgain(life: AbortSignal): Promise<string | null> {
    const until = this.around.now().up + this.record.spec.ready.withinS
    return untilReady(this.watched(life), () => until - this.around.now().up)
  }

  /** What was waited for is over, but for its end. */
  private sameProcess(): AbortSignal {
    const life = this.nextLife()
    const { process: identity } = this.record
    if (identity !== null) this.watch(identity, life)
    return life
  }

  /** Its end is seen, not told. */
  private watch(identity: Identity, life: AbortSignal): void {
    void untilDead(identity, life).then((how) => this.died(life, `the process ended (${how})`))
    void this.spot?.lookForNotice(() => this.record, life)
  }

  private watched(life: AbortSignal): Life {
    return { ...this.record, signal: life, whose: 'ours' }
  }

  private answered(): void {
    const { present, readyOnce } = this.record
    const { up } = this.around.now()
    this.readySinceUp ??= up
    if (present?.ready !== true || !readyOnce)
      this.written.note({ readyOnce: true, present: { up: present?.up ?? up, ready: true } })
    this.spot?.had()
    this.set({ name: 'ready' })
  }

  private notReady(because: string): void {
    if (this.record.readyOnce || this.spot !== null) this.kill(because)
    else this.fail(because)
  }

  /** Its death begins its next start. */
  private kill(because: string): void {
    this.killedBecause = because
    this.set({ name: 'unready', because })
    this.around.log.warn({ replica: this.id }, `${because}; killed`)
    killSession({ id: this.id, identity: this.record.process })
  }

  private neverRan(life: AbortSignal, error: CannotRun): void {
    if (life.aborted) return
    if (error.maybeLater || this.record.readyOnce || this.spot !== null)
      void this.died(life, error.message)
    else this.fail(error.message)
  }

  private async died(ended: AbortSignal, how: string): Promise<void> {
    if (ended.aborted) return
    const life = this.nextLife()
    const { readyOnce, restarts, process: identity } = this.record
    const { now, logs, log } = this.around
    const readyForS = this.readySinceUp === null ? null : now().up - this.readySinceUp
    const because = this.killedBecause ?? how
    const isTaken = this.spot?.isTaken({ how, readyForS, killed: this.killedBecause !== null })
    this.readySinceUp = null
    this.killedBecause = null
    if (isTaken === true) return this.taken(life, because, readyForS)
    this.deaths = deathsInARow(this.deaths, readyForS)
    const waitMs = restartInMs({ readyOnce, deaths: this.deaths })
    if (waitMs === null) return this.fail(`${because} before it was ready, ${this.deaths} times`)

    const lines = logs.lastLines(this.id, unreadyLines)
    log.warn({ replica: this.id, againInMs: waitMs, lines }, `${because}; it is started again`)
    this.sleeper.reset()
    this.noteSpell('awake')
    this.written.note({ process: null, restarts: readyOnce ? restarts + 1 : restarts })
    this.notNow([because, ...lines].join('\n'))
    await this.again(identity, waitMs, life)
  }

  /** Children that outlived their leader hold its port and the memory of its GPUs: the next start would fail on them. */
  private async again(ended: Identity | null, waitMs: number | null, life: AbortSignal) {
    await this.end(ended, 0, life)
    if (waitMs !== null) await pause(waitMs, life)
    if (waitMs !== null && !life.aborted) await this.bringUp(life)
  }

  /** Its capacity is gone: nothing against the version. */
  private async taken(life: AbortSignal, how: string, readyForS: number | null): Promise<void> {
    const { process: identity } = this.record
    const { because, waitMs, losses } = this.spot!.lost(this.record, how, readyForS)
    this.sleeper.reset()
    this.noteSpell('away')
    this.written.note({ process: null, losses })
    this.notNow(because)
    await this.again(identity, waitMs, life)
  }

  /** Down until its next start. Only one that was ready may be routed to, so only that is called unready. */
  private notNow(because: string): void {
    this.set({ name: this.record.readyOnce ? 'unready' : 'starting', because })
  }

  private fail(because: string): void {
    this.nextLife()
    const lastLines = this.around.logs.lastLines(this.id, failedLines)
    this.written.note({ failed: { because, lastLines } })
    this.around.log.error({ replica: this.id, lines: lastLines }, because)
    this.set({ name: 'failed', because, lastLines })
    void this.clearAway()
  }

  /** A failed replica gives its slots back when nothing of it is left; the rest stays to be looked at until it is stopped. */
  private async clearAway(): Promise<void> {
    await this.end(this.record.process, 0, this.closed.signal)
    if (this.closed.signal.aborted || this.ending) return
    this.written.note({ gpus: [], process: null })
    this.around.changed()
  }

  private async bringDown(): Promise<void> {
    const { process: identity, spec } = this.record
    await this.end(identity, spec.stopGraceS * 1000, this.closed.signal)
    if (this.closed.signal.aborted) return
    this.gone(this.around.now().wall)
  }

  /** It ended at the latest when the machine did; the time it was off is nobody's bill. */
  private endedWithTheMachine(): void {
    const { wall, up } = this.around.now()
    this.around.log.warn({ replica: this.id }, 'gone: the machine was started again')
    this.gone(Math.max(this.record.startedAt, Math.round(wall - up * 1000)))
  }

  private gone(endedAt: number): void {
    this.written.note({ endedAt })
    this.set({ name: 'gone' })
    this.close()
  }

  private end(identity: Identity | null, graceMs: number, signal: AbortSignal): Promise<void> {
    const stays = 'still there long after SIGKILL; its port and slots stay taken until it ends'
    const survived = (pids: readonly number[]) =>
      this.around.log.error({ replica: this.id, pids }, stays)
    return endSession({ id: this.id, identity, graceMs, signal, survived })
  }

  private nextLife(): AbortSignal {
    this.life.abort()
    this.life = new AbortController()
    if (this.closed.signal.aborted) this.life.abort()
    return this.life.signal
  }

  private set(state: ReplicaSeen['state']): void {
    const before = JSON.stringify(this.state)
    this.state = state
    if (before !== JSON.stringify(state)) this.around.changed()
  }
}
