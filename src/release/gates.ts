/** Fail-closed: only a `pass` opens a gate. No answer, an unknown gate or an undecided one never does. */
import type { Gate, GateState, Now, Release } from './release.ts'

/** `needsPerson`: nothing but somebody's word will change it. */
export type Judged = {
  verdict: 'pass' | 'fail' | 'waiting'
  because: string
  needsPerson?: true
}

/** The gates that this release takes; those left out of a first release are named, never "passed". */
export function gatesTaken(release: Release): {
  taken: readonly Gate[]
  leftOut: readonly { name: string; because: string }[]
} {
  const reason = (gate: Gate): string | null => {
    if (release.kind === 'rollback' && !inPhase(gate, 'warmUp'))
      return 'a rollback to an older version takes readiness, identity and warm-up only'
    if (release.from === null && gate.needsLive)
      return 'it compares with a live version, and there is none yet'
    return null
  }
  return {
    taken: release.rules.gates.filter((gate) => reason(gate) === null),
    leftOut: release.rules.gates.flatMap((gate) => {
      const because = reason(gate)
      return because === null ? [] : [{ name: gate.name, because }]
    }),
  }
}

export const dayS = 24 * 3600

/** What a gate found long ago says little about now: it is taken again before the switch (rulings §14). */
export function evidenceForS({ rules }: Release): number {
  return rules.evidenceForS ?? dayS
}

/** One that a person has skipped does not, nor one that only reports. */
export function decides(release: Release, name: string): boolean {
  const gate = release.rules.gates.find((one) => one.name === name)
  return gate?.dryRun !== true && !release.skipped.some((one) => one.gate === name)
}

/** Does a verdict have to be taken again? */
export function isOld(release: Release, state: GateState, now: Now): boolean {
  if (state.state !== 'decided' || !decides(release, state.name)) return false
  // It looked at replicas on spot capacity, and those that go live are others.
  if (state.attempt <= (release.onDemand?.found[state.name] ?? 0)) return true
  return now.wall - state.at >= evidenceForS(release) * 1000
}

/** Before its answers are judged a candidate says what it is, and gets warm. */
export function inPhase(gate: Gate, which: 'warmUp' | 'others'): boolean {
  return ['identity', 'warmUp'].includes(gate.kind) === (which === 'warmUp')
}

export function judgeGates(
  release: Release,
  which: 'warmUp' | 'others',
  seen: { states: readonly GateState[]; now: Now },
): Judged {
  const asked = gatesTaken(release).taken.filter((gate) => inPhase(gate, which))
  const passed: string[] = []
  for (const gate of asked) {
    const judged = judgeOne(release, gate, seen)
    if (judged.verdict !== 'pass') return judged
    passed.push(judged.because)
  }
  return {
    verdict: 'pass',
    because: passed.length > 0 ? passed.join('; ') : 'no gate stands before this',
  }
}

function judgeOne(
  release: Release,
  gate: Gate,
  { states, now }: { states: readonly GateState[]; now: Now },
): Judged {
  const skip = release.skipped.find(({ gate: name }) => name === gate.name)
  if (skip)
    return { verdict: 'pass', because: `${gate.name} was skipped by ${skip.by}: ${skip.reason}` }
  const state = states.find(({ name }) => name === gate.name)
  if (state?.state === 'running')
    return { verdict: 'waiting', because: `gate ${gate.name}: ${state.progress ?? 'running'}` }
  if (state?.state !== 'decided')
    return { verdict: 'waiting', because: `gate ${gate.name} to begin` }
  if (gate.dryRun === true)
    return { verdict: 'pass', because: `${gate.name} reports ${state.verdict} (${state.because})` }
  if (state.verdict === 'pass' && isOld(release, state, now))
    return { verdict: 'waiting', because: `gate ${gate.name} to be taken again: it is too old` }
  const said = `${gate.name}: ${state.because}`
  if (state.verdict === 'pass') return { verdict: 'pass', because: said }
  if (state.verdict === 'fail') return { verdict: 'fail', because: said }
  return {
    verdict: 'waiting',
    needsPerson: true,
    because: `a person: gate ${gate.name} is undecided (${state.because})`,
  }
}
