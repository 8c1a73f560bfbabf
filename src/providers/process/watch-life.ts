/** The three things that can be waited for in a life: that it answers, that it falls silent, that it ends. */
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from '../../ipc/identity.ts'
import type { Identity } from '../../ipc/identity.ts'
import { modelsPath, notServed } from '../../protocols/openai/models.ts'
import type { ReplicaSpec } from '../provider.ts'
import { probe } from './probe.ts'

const readyPollMs = { first: 50, most: 1000 }
const readyProbeMaxMs = 5000
/** A server may answer its health check a moment before it knows its names; after so many looks (2 s) it will not learn them. */
const otherModelMax = 8
/** Reading one line of /proc is nothing; elsewhere `ps` is run for it. */
const deathPollMs = process.platform === 'linux' ? 300 : 2000
/** How long taking a replica up again may hold up the start of the controller. */
const adoptionMaxMs = 5000
const adoptionPauseMs = 100

/** Where it is asked. Every wait here ends early, with any answer, when the signal is aborted. */
export type Life = { spec: ReplicaSpec; host: string; port: number; signal: AbortSignal }

/** @param leftS seconds until its time is up @returns null when it answered rightly, else why it is given up */
export async function untilReady(life: Life, leftS: () => number): Promise<string | null> {
  const { path, withinS } = life.spec.ready
  const timeoutMs = Math.min(readyProbeMaxMs, withinS * 1000)
  let others = 0
  for (let pauseMs = readyPollMs.first; ; pauseMs = Math.min(readyPollMs.most, pauseMs * 1.5)) {
    const silent = await probe({ ...life, speaks: life.spec.speaks, path, timeoutMs })
    const other = silent === null ? await otherModel(life, timeoutMs) : null
    others = other === null ? 0 : others + 1
    const trouble = silent ?? other
    // Facts before deadlines: what answers when looked at is ready, however late we look.
    if (trouble === null || life.signal.aborted) return trouble
    if (others >= otherModelMax) return `ready, and not what was asked for: ${trouble}`
    if (leftS() <= 0) return `not ready within ${withinS} s: ${trouble}`
    await pause(Math.min(pauseMs, leftS() * 1000), life.signal)
  }
}

/**
 * A server that is ready may be one of another model: an old one that still held the port, a name that was changed and
 * weights that were not. Asked once for each process, when it has become ready.
 */
async function otherModel(life: Life, timeoutMs: number): Promise<string | null> {
  const { model } = life.spec.ready
  if (model === undefined) return null
  return probe({ ...life, path: modelsPath, timeoutMs, judge: (body) => notServed(body, model) })
}

/** @param answered told of every answer @returns what it said last, after so many failed probes in a row */
export async function untilSilent(
  life: Life,
  answered: () => void,
): Promise<{ probes: number; trouble: string }> {
  const { path, everyS, timeoutS, failures } = life.spec.alive
  for (let silent = 0; ;) {
    await pause(everyS * 1000, life.signal)
    const trouble = await probe({
      ...life,
      speaks: life.spec.speaks,
      path,
      timeoutMs: timeoutS * 1000,
    })
    if (life.signal.aborted) return { probes: silent, trouble: 'no longer watched' }
    silent = trouble === null ? 0 : silent + 1
    if (trouble === null) answered()
    else if (silent >= failures) return { probes: silent, trouble }
  }
}

/** A replica that was ready when its controller died is given the benefit of several tries. @returns null when it answered */
export async function firstAnswer(life: Life): Promise<string | null> {
  const { path, timeoutS, failures } = life.spec.alive
  const until = performance.now() + adoptionMaxMs
  for (let tries = 1; ; tries++) {
    const leftMs = Math.max(1, until - performance.now())
    const trouble = await probe({
      ...life,
      speaks: life.spec.speaks,
      path,
      timeoutMs: Math.min(timeoutS * 1000, leftMs),
    })
    if (trouble === null || life.signal.aborted) return trouble
    if (tries >= failures || performance.now() + adoptionPauseMs >= until) return trouble
    await pause(adoptionPauseMs, life.signal)
  }
}

/** For a process that is not our child: its end is seen, not told. */
export async function untilDead(identity: Identity, signal: AbortSignal): Promise<string> {
  while (!signal.aborted && isAlive(identity)) await pause(deathPollMs, signal)
  return 'how is not known: it was started by an earlier controller'
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
