/** Runs a sequential test many times, seeded: how often does it ever alarm, and after how many observations? */
import { seeded } from './random.ts'
import type { Random } from './random.ts'

/** One observation of one run: returns the wealth after it. */
export type Step = (random: Random, t: number) => number

export type Simulation = {
  runs: number
  /** Observations after which a run is given up. */
  horizon: number
  /** Wealth at which it alarms: 1/α. */
  goal: number
  begin: () => Step
  /** A lower goal, counted in the same runs. */
  lower?: number
}

export function simulate({ runs, horizon, goal, begin, lower = goal }: Simulation): {
  alarms: number
  lowerAlarms: number
  /** Over all runs; one that never alarms counts with the horizon. */
  meanDelay: number
} {
  let [alarms, lowerAlarms, sum] = [0, 0, 0]
  for (let run = 0; run < runs; run++) {
    const random = seeded(run * 7919 + 17)
    const step = begin()
    let t = 1
    let most = 0
    for (; t <= horizon && most < goal; t++) most = Math.max(most, step(random, t))
    if (most >= goal) t--
    if (most >= goal) alarms++
    if (most >= lower) lowerAlarms++
    sum += Math.min(t, horizon)
  }
  return { alarms, lowerAlarms, meanDelay: sum / runs }
}

/** The most alarms that `runs` runs at this rate give with probability 99.5 %. */
export function alarmsAtMost(runs: number, rate: number): number {
  let [count, term] = [0, (1 - rate) ** runs]
  let sum = term
  while (sum < 0.995) {
    count++
    term *= ((runs - count + 1) / count) * (rate / (1 - rate))
    sum += term
  }
  return count
}
