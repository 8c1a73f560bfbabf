/** What can be waited for in the life of a replica, whoever started it: that it answers, that it falls silent. */
import { setTimeout as sleep } from 'node:timers/promises'
import { notNamed } from '../protocols/names-version.ts'
import { modelsPath, notServed } from '../protocols/openai/models.ts'
import { probe } from './probe.ts'
import type { Address, Looks } from './provider.ts'

const readyPollMs = { first: 50, most: 1000 }
const readyProbeMaxMs = 5000
/** A server may answer its health check a moment before it knows its names; after so many looks (2 s) it will not learn them. */
const otherModelMax = 8
/** How long taking a replica up again may hold up the start of the controller. */
const adoptionMaxMs = 5000
const adoptionPauseMs = 100

/** Where it is asked. Every wait here ends early, with any answer, when the signal is aborted. */
export type Life = Address & {
  spec: Looks
  signal: AbortSignal
  /**
   * A process of ours stays what it was when it became ready. Under somebody else's address another version may appear at
   * any time: the right one is waited for, and then asked for again with every probe.
   */
  whose: 'ours' | 'theirs'
}

/**
 * @param leftS seconds until its time is up
 * @param waits told of every probe that failed
 * @returns null when it answered rightly, else why it is given up
 */
export async function untilReady(
  life: Life,
  leftS: () => number,
  waits: (trouble: string) => void = () => {},
): Promise<string | null> {
  const { path, withinS } = life.spec.ready
  const timeoutMs = Math.min(readyProbeMaxMs, withinS * 1000)
  let others = 0
  for (let pauseMs = readyPollMs.first; ; pauseMs = Math.min(readyPollMs.most, pauseMs * 1.5)) {
    const silent = await probe({ ...life, ...reach(life), path, timeoutMs })
    const other = silent === null ? await otherVersion(life, timeoutMs) : null
    others = other === null ? 0 : others + 1
    const trouble = silent ?? other
    // Facts before deadlines: what answers when looked at is ready, however late we look.
    if (trouble === null || life.signal.aborted) return trouble
    if (others >= otherModelMax && life.whose === 'ours')
      return `ready, and not what was asked for: ${trouble}`
    if (leftS() <= 0) return `not ready within ${withinS} s: ${trouble}`
    waits(trouble)
    await pause(Math.min(pauseMs, leftS() * 1000), life.signal)
  }
}

/**
 * A server that is ready may be one of another version: an old one that still held the port, a name that was changed and
 * weights that were not, a place that nobody has put the new version into yet.
 */
async function otherVersion(life: Life, timeoutMs: number): Promise<string | null> {
  const { model, version } = life.spec.ready
  const other =
    model === undefined
      ? null
      : await probe({
          ...life,
          ...reach(life),
          path: modelsPath,
          timeoutMs,
          judge: (body) => notServed(body, model),
        })
  if (other !== null || version === undefined) return other
  const judge = (body: string) => notNamed(body, version)
  return probe({ ...life, ...reach(life), path: version.path, timeoutMs, judge })
}

/** @param answered told of every answer @returns what it said last, after so many failed probes in a row */
export async function untilSilent(
  life: Life,
  answered: () => void,
): Promise<{ probes: number; trouble: string }> {
  const { everyS, timeoutS, failures } = life.spec.alive
  for (let silent = 0; ;) {
    await pause(everyS * 1000, life.signal)
    const trouble = await signOfLife(life, timeoutS * 1000)
    if (life.signal.aborted) return { probes: silent, trouble: 'no longer watched' }
    silent = trouble === null ? 0 : silent + 1
    if (trouble === null) answered()
    else if (silent >= failures) return { probes: silent, trouble }
  }
}

/** A replica that was ready when its controller died is given the benefit of several tries. @returns null when it answered */
export async function firstAnswer(life: Life): Promise<string | null> {
  const { timeoutS, failures } = life.spec.alive
  const until = performance.now() + adoptionMaxMs
  for (let tries = 1; ; tries++) {
    const leftMs = Math.max(1, until - performance.now())
    const trouble = await signOfLife(life, Math.min(timeoutS * 1000, leftMs))
    if (trouble === null || life.signal.aborted) return trouble
    if (tries >= failures || performance.now() + adoptionPauseMs >= until) return trouble
    await pause(adoptionPauseMs, life.signal)
  }
}

async function signOfLife(life: Life, timeoutMs: number): Promise<string | null> {
  const { path } = life.spec.alive
  const silent = await probe({ ...life, ...reach(life), path, timeoutMs })
  return silent === null && life.whose === 'theirs' ? otherVersion(life, timeoutMs) : silent
}

function reach({ spec: { speaks, tls } }: Life) {
  return { speaks, tls }
}

export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
