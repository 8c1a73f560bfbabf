/** What a plan is asked to assume, from the query of its address. */
import type { PlanAsked } from './operations.ts'
import { shareOf, wrongQuery } from './pages.ts'

const standbys = ['full', 'replicas', 'asleep', 'shared', 'gone'] as const
/** More is a slip of the keyboard. */
const trafficMax = 1000
const gpusMax = 10_000

/** @throws ProblemError `wrong-query` */
export function planAsked(query: (name: string) => string | undefined): PlanAsked {
  return {
    find: shareOf('find', query('find')),
    traffic: timesOf(query('traffic')),
    gpus: gpusOf(query('gpus')),
    standby: standbyOf(query('standby')),
  }
}

function timesOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= 0 && value <= trafficMax) return value
  throw wrongQuery('traffic', `a number from 0 to ${trafficMax}`, text)
}

function gpusOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value <= gpusMax) return value
  throw wrongQuery('gpus', `a whole number from 0 to ${gpusMax}`, text)
}

function standbyOf(text: string | undefined): PlanAsked['standby'] {
  if (text === undefined) return null
  const found = standbys.find((one) => one === text)
  if (found !== undefined) return found
  throw wrongQuery('standby', standbys.join(', '), text)
}
