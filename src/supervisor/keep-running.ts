/**
 * One process of Beryl: watched, and started again when it dies. One that an earlier supervisor left running is taken over, by
 * identity. Another one may be started beside it, to take its place.
 */
import { rmSync } from 'node:fs'
import { isAlive, readIdentity } from '../ipc/identity.ts'
import type { Identity } from '../ipc/identity.ts'
import { log } from '../log.ts'
import { adoptProcess, endProcess, startProcess } from './process.ts'
import type { Process, Program } from './process.ts'

export type Kept = {
  pid(): number | null
  /** Set by the process's own death; null while it runs. */
  lastExit(): string | null
  /** How often it ended by itself. */
  exits(): number
  /** SIGTERM, then SIGKILL after the grace. Not started again. */
  stop(graceMs: number): Promise<void>
  /** Ends it, and another one is started. */
  renew(): void
  /** It runs on, and is nobody's here any more. */
  release(): void
  /** Starts another one. While both are there, whoever dies is not started again: one of the two answers below follows. */
  beside(how: Pick<Program, 'env' | 'inherit'>): Beside
}

export type Beside = {
  process: Process
  /** The new one is the one that is kept. @returns the one before, which ends by itself; null: it has ended */
  take(): Process | null
  /** The one before is still the one that is kept; where it is no use any more, one is started anew. */
  drop(isUseful: boolean): void
}

const restartFirstMs = 50
const restartMaxMs = 5000
/** A process that ran this long died of something new: back-off begins again. */
const steadyMs = 30_000

export function keepRunning(program: Program): Kept {
  const { role, directory } = program
  const file = directory.process(role)
  let current: Process | null = null
  let lastExit: string | null = null
  let exits = 0
  let stopping = false
  let besides: Process | null = null
  let backOffMs = restartFirstMs
  let timer: NodeJS.Timeout | null = null

  const running = readIdentity(file)
  if (running !== null && isAlive(running)) adopt(running)
  else start()

  return {
    pid: () => current?.identity?.pid ?? null,
    lastExit: () => lastExit,
    exits: () => exits,
    stop: async (graceMs) => {
      stopping = true
      if (timer !== null) clearTimeout(timer)
      const all = [current, besides].filter((one) => one !== null)
      await Promise.all(all.map((one) => endProcess(one, graceMs)))
      rmSync(file, { force: true })
    },
    renew: () => {
      if (current?.identity != null) process.kill(current.identity.pid, 'SIGTERM')
    },
    release: () => {
      stopping = true
      if (timer !== null) clearTimeout(timer)
      current?.unref()
    },
    beside,
  }

  function start(): void {
    timer = null
    lastExit = null
    hold(startProcess(program, file), Date.now())
  }

  function adopt(found: Identity): void {
    hold(adoptProcess(found), Date.now())
    log.info({ role, pid: found.pid }, 'took over a running process')
  }

  function hold(one: Process, since: number): void {
    current = one
    void one.ended.then((how) => (current === one ? onGone(how, since) : undefined))
  }

  function onGone(how: string, since: number): void {
    current = null
    lastExit = how
    if (stopping) return
    exits++
    if (besides !== null)
      return log.warn({ role, how }, `${role} ended while another takes its place`)
    if (Date.now() - since > steadyMs) backOffMs = restartFirstMs
    log.warn({ role, how, againInMs: backOffMs }, `${role} ended; it is started again`)
    timer = setTimeout(start, backOffMs)
    backOffMs = Math.min(restartMaxMs, backOffMs * 2)
  }

  function beside(how: Pick<Program, 'env' | 'inherit'>): Beside {
    const next = startProcess({ ...program, ...how }, directory.process('gateway-next'))
    besides = next
    const over = () => {
      besides = null
      rmSync(directory.process('gateway-next'), { force: true })
    }
    return {
      process: next,
      take: () => {
        over()
        const before = current
        hold(next, Date.now())
        return before
      },
      drop: (isUseful) => {
        over()
        if (isUseful && current !== null) return
        const before = current
        current = null
        before?.unref()
        if (!stopping) start()
      },
    }
  }
}
