/** Rules and answers as they must be, and how the risk is divided among the signals. */
import type { Answer } from './answer.ts'
import type { SignalRules } from './guard.ts'

const errorsWeight = 0.5
const riskMin = 1e-12
const riskMax = 0.5

/** Half of the risk is for errors, the other half for all that may roll back beside them; drift never does. */
export function weightsOf(signals: readonly SignalRules[]): number[] {
  const able = signals.filter(({ kind }) => kind !== 'drift')
  const others = able.filter(({ name }) => name !== 'errors')
  const hasErrors = others.length < able.length
  return signals.map(({ kind, name }) => {
    if (kind === 'drift') return 0
    if (name === 'errors') return others.length === 0 ? 1 : errorsWeight
    return (hasErrors ? 1 - errorsWeight : 1) / others.length
  })
}

/** @throws RangeError */
export function checkOutcome({ outcome, firstByteMs, totalMs }: Answer): void {
  if (!['good', 'bad', 'gone'].includes(outcome))
    throw new RangeError(`an outcome must be good, bad, gone or void, it is ${outcome}`)
  for (const ms of [firstByteMs, totalMs])
    if (ms !== null && !(ms >= 0))
      throw new RangeError(`a latency must be at least 0 ms, it is ${ms}`)
}

/** @throws RangeError */
export function checkSignal(rules: SignalRules): void {
  const shares: [string, number][] = []
  if (rules.kind === 'yesNo') {
    const { tolerance, margin, atMost, minimumEffect } = rules
    shares.push(['tolerance', tolerance], ['margin', margin], ['atMost', atMost])
    shares.push(['minimumEffect', minimumEffect])
  }
  if (rules.kind === 'score') shares.push(['tolerance', rules.tolerance], ['margin', rules.margin])
  if (rules.kind === 'drift') shares.push(['tolerance', rules.tolerance])
  for (const [name, value] of shares) share(`${rules.name}.${name}`, value)
}

/** @throws RangeError */
export function risk(name: string, value: number): number {
  return Math.min(riskMax, Math.max(riskMin, share(name, value)))
}

function share(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new RangeError(`${name} must be a share between 0 and 1, it is ${value}`)
}
