/** The life of one replica: start → ready → watched → stopped, with restarts. Journalled before anything is done. */
import { isAlive } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import type { ReplicaJournal, ReplicaRecord, ReplicaSeen } from '../provider.ts'
import { findByMark, launch } from './launch.ts'
import type { LogFiles } from './log-files.ts'
import { freePort, isPortFree } from './ports.ts'
import { probe } from './probe.ts'
import { chooseSlots } from './slots.ts'
import type { Holder } from './slots.ts'

export type Surroundings = {
  journal: ReplicaJournal
  logs: LogFiles
  gpuSlots: readonly number[]
  portsTaken: () => ReadonlySet<number>
  holders: (exceptId: string) => readonly Holder[]
  changed: () => void
  log: {
    info(about: object, text: string): void
    warn(about: object, text: string): void
    error(about: object, text: string): void
  }
}

const host = '127.0.0.1'
/** A replica that was never ready gets this many starts; one that was ready gets as many as it needs. */
const startsMax = 3
const startBackOffMs = [200, 400, 800] as const
const crashBackOffMs = [0, 1000, 2000, 4000, 8000, 16_000, 30_000] as const
/** Healthy for this long, a replica's next death is a new story. */
const steadyMs = 60_000
const readyPollMs = { first: 50, most: 1000 }
const deathPollMs = 300
const failedLines = 20

export class Replica {
  readonly id: string
  private record: ReplicaRecord
  private readonly around: Surroundings
  private state: ReplicaSeen['state'] = { name: 'starting' }
  private timers = new Set<NodeJS.Timeout>()
  private closed = false
  /** Rises with each start: what an earlier life still reports is not listened to. */
  private life = 0
  private crashes = 0
  private readySince = 0

  constructor(record: ReplicaRecord, around: Surroundings) {
    this.record = record
    this.around = around
    this.id = record.spec.id
    if (record.failed) this.state = { name: 'failed', ...record.failed }
  }

  see(): ReplicaSeen {
    const { spec, port, gpus, restarts, startedAt, endedAt, process } = this.record
    const { id, service, environment, release, version, digest } = spec
    return {
      id,
      service,
      environment,
      release,
      version,
      digest,
      host,
      port,
      pid: process?.pid ?? null,
      gpus,
      startedAt,
      endedAt,
      restarts,
      state: this.state,
    }
  }

  holder(): Holder {
    return { id: this.id, gpus: this.record.gpus, stopping: this.record.stopping }
  }

  get port(): number {
    return this.record.port
  }

  /** First start. Returns once the intent is written; the rest is seen by `see`. */
  async begin(): Promise<void> {
    this.write({})
    void this.start()
  }

  /** Takes up what an earlier controller left: alive by identity, or by its mark, or gone. */
  adopt(): void {
    if (this.record.failed) return
    const found =
      this.record.process === null
        ? findByMark(this.id)
        : isAlive(this.record.process)
          ? this.record.process
          : null
    if (found !== null) this.write({ process: found })
    if (this.record.stopping) return void this.stop()
    if (found === null) {
      this.around.log.warn({ replica: this.id }, 'its process is gone')
      return this.onExit(++this.life, 'it died while nobody looked')
    }
    const life = ++this.life
    this.set(
      this.record.readyOnce
        ? { name: 'unready', because: 'not probed yet since Beryl came back' }
        : { name: 'starting' },
    )
    this.watchDeath(life, found)
    if (this.record.readyOnce) void this.keepAlive(life, 0)
    else void this.untilReady(life, Date.now())
  }

  async stop(): Promise<void> {
    if (this.state.name === 'gone') return
    this.life++
    this.clearTimers()
    const failed = this.state.name === 'failed'
    this.write({ stopping: true })
    this.set({ name: 'stopping' })
    const { process: identity, spec } = this.record
    if (identity === null || !isAlive(identity)) return this.end()
    if (!failed) this.around.log.info({ replica: this.id, pid: identity.pid }, 'stopping')
    signalSession(identity, 'SIGTERM')
    const deadline = Date.now() + spec.stopGraceS * 1000
    const poll = () => {
      if (!isAlive(identity)) {
        // The leader is gone; whatever else lived in its session goes with it.
        signalGroup(identity.pid, 'SIGKILL')
        return this.end()
      }
      if (Date.now() >= deadline) signalSession(identity, 'SIGKILL')
      this.after(50, poll)
    }
    poll()
  }

  close(): void {
    this.closed = true
    this.life++
    this.clearTimers()
  }

  private async start(): Promise<void> {
    const life = ++this.life
    const { spec } = this.record
    const choice = chooseSlots(spec.gpus, this.around.gpuSlots, this.around.holders(this.id))
    if ('impossible' in choice) return this.fail(choice.impossible)
    if ('wait' in choice) {
      this.set({ name: 'starting' })
      return this.after(200, () => void this.start())
    }
    const port =
      this.record.port !== 0 && (await isPortFree(host, this.record.port))
        ? this.record.port
        : await freePort(host, this.around.portsTaken())
    if (life !== this.life) return
    this.write({ host, port, gpus: choice.slots, process: null })
    this.set(
      this.record.readyOnce ? { name: 'unready', because: 'starting again' } : { name: 'starting' },
    )
    try {
      const { identity, exited } = await launch(spec, port, choice.slots, this.around.logs)
      if (life !== this.life) {
        if (identity !== null) signalSession(identity, 'SIGKILL')
        return
      }
      this.write({ process: identity })
      this.around.log.info({ replica: this.id, pid: identity?.pid, port }, 'started')
      void exited.then((how) => this.onExit(life, how))
      void this.untilReady(life, Date.now())
    } catch (error) {
      if (life === this.life) this.fail((error as Error).message)
    }
  }

  private async untilReady(life: number, since: number): Promise<void> {
    const { path, withinS } = this.record.spec.ready
    let pause = readyPollMs.first
    for (;;) {
      const trouble = await this.probe(path, Math.min(5000, withinS * 1000))
      if (life !== this.life) return
      if (trouble === null) return this.becomeReady(life)
      if (Date.now() - since > withinS * 1000) {
        this.killNow()
        // One that was ready before is tried again and again; its death begins its next start.
        if (!this.record.readyOnce) this.fail(`not ready within ${withinS} s: ${trouble}`)
        return
      }
      await this.pause(pause)
      if (life !== this.life) return
      pause = Math.min(readyPollMs.most, pause * 1.5)
    }
  }

  private becomeReady(life: number): void {
    this.readySince = Date.now()
    if (!this.record.readyOnce) this.write({ readyOnce: true })
    this.set({ name: 'ready' })
    void this.keepAlive(life, this.record.spec.alive.everyS * 1000)
  }

  /** Liveness: so many silent probes in a row, and it is started again. */
  private async keepAlive(life: number, firstPauseMs: number): Promise<void> {
    const { path, everyS, timeoutS, failures } = this.record.spec.alive
    let silent = 0
    let pause = firstPauseMs
    for (;;) {
      await this.pause(pause)
      if (life !== this.life) return
      const trouble = await this.probe(path, timeoutS * 1000)
      if (life !== this.life) return
      this.around.logs.rotate(this.id)
      silent = trouble === null ? 0 : silent + 1
      if (trouble === null && this.state.name !== 'ready') {
        this.readySince = Date.now()
        this.set({ name: 'ready' })
      }
      if (silent >= failures) {
        this.around.log.warn(
          { replica: this.id, trouble },
          `no sign of life in ${failures} probes; killed`,
        )
        this.killNow()
        return
      }
      pause = everyS * 1000
    }
  }

  /** Not our child any more: its death is seen, not told. */
  private watchDeath(life: number, identity: Identity): void {
    if (life !== this.life) return
    if (!isAlive(identity)) return this.onExit(life, 'it died')
    this.after(deathPollMs, () => this.watchDeath(life, identity))
  }

  private onExit(life: number, how: string): void {
    if (life !== this.life || this.closed) return
    this.life++
    this.clearTimers()
    if (this.readySince > 0 && Date.now() - this.readySince > steadyMs) this.crashes = 0
    this.crashes++
    const lines = this.around.logs.lastLines(this.id, failedLines)
    const because = `the process ended (${how})`
    if (!this.record.readyOnce && this.crashes >= startsMax)
      return this.fail(`${because} before it was ready, ${this.crashes} times`)
    this.write({
      process: null,
      restarts: this.record.readyOnce ? this.record.restarts + 1 : this.record.restarts,
    })
    this.set(
      this.record.readyOnce
        ? { name: 'unready', because: [because, ...lines.slice(-3)].join('\n') }
        : { name: 'starting' },
    )
    const backOff = this.record.readyOnce ? crashBackOffMs : startBackOffMs
    const wait = backOff[Math.min(this.crashes, backOff.length) - 1]!
    this.around.log.warn(
      { replica: this.id, how, againInMs: wait, lines: lines.slice(-3) },
      'ended by itself; it is started again',
    )
    this.after(wait, () => void this.start())
  }

  private fail(because: string): void {
    this.life++
    this.clearTimers()
    const lastLines = this.around.logs.lastLines(this.id, failedLines)
    this.write({ failed: { because, lastLines } })
    this.around.log.error({ replica: this.id, lines: lastLines }, because)
    this.set({ name: 'failed', because, lastLines })
  }

  private end(): void {
    this.write({ endedAt: Date.now() })
    this.set({ name: 'gone' })
    this.close()
  }

  private probe(path: string, timeoutMs: number): Promise<string | null> {
    return probe({ host, port: this.record.port, path, timeoutMs })
  }

  private killNow(): void {
    if (this.record.process !== null && isAlive(this.record.process))
      signalSession(this.record.process, 'SIGKILL')
  }

  private write(change: Partial<ReplicaRecord>): void {
    this.record = { ...this.record, ...change }
    try {
      this.around.journal.put(this.record)
    } catch (error) {
      // Before the first start nothing may happen unwritten; later the process is what it is, and the next write tells.
      if (this.record.process === null && !this.record.readyOnce && !this.record.stopping)
        throw error
      this.around.log.error(
        { replica: this.id, error: (error as Error).message },
        'could not be journalled',
      )
    }
  }

  private set(state: ReplicaSeen['state']): void {
    const before = this.state
    this.state = state
    if (before.name !== state.name) this.around.changed()
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  private after(ms: number, act: () => void): void {
    if (this.closed) return
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      act()
    }, ms)
    this.timers.add(timer)
  }

  private clearTimers(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers.clear()
  }
}

/** The leader and everything in its group; identity was checked by the caller a moment ago. */
function signalSession(identity: Identity, signal: NodeJS.Signals): void {
  if (!signalGroup(identity.pid, signal)) {
    try {
      process.kill(identity.pid, signal)
    } catch {
      // It ended in this moment.
    }
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}
