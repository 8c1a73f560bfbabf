/** Releases and services in words: the same for `status`, `--wait` and `history`. */
import type { FreezeView, ReleaseView, ServiceView } from '../api/shapes.ts'
import { nextStep } from '../api/next-step.ts'
import { count, firstLine, paint } from './output.ts'

export function describeService(view: ServiceView): string {
  const lines = [`${paint('bold', view.service)}  ${view.url}`]
  lines.push(
    view.live === null
      ? '  live      none yet'
      : `  live      ${view.live.version} on ${view.live.environment}${view.live.since > 0 ? `, since ${time(view.live.since)}` : ''}`,
  )
  for (const environment of ['blue', 'green'] as const) {
    const { role, version, replicas, inFlight, share } = view.environments[environment]
    if (role === 'empty' && replicas.length === 0) {
      lines.push(`  ${environment.padEnd(9)} empty`)
      continue
    }
    const ready = replicas.filter(({ state }) => state === 'ready').length
    const onSpot = replicas.filter(({ spot }) => spot !== null).length
    const spot = onSpot === 0 ? '' : `, ${onSpot} on spot capacity`
    lines.push(
      `  ${environment.padEnd(9)} ${role}: ${version ?? '?'}, ${ready} of ${count(replicas.length, 'replica')} ready${spot}, ${share > 0 && share < 1 ? `${percent(share)} of the traffic, ` : ''}${count(inFlight, 'request')} in flight`,
    )
    for (const replica of replicas) {
      if (replica.state !== 'ready')
        lines.push(
          `            ${replica.id} is ${replica.state}${replica.because ? `: ${firstLine(replica.because)}` : ''}`,
        )
    }
  }
  lines.push(`  way back  ${wayBackText(view.wayBack, Date.now())}`)
  for (const one of view.frozen) lines.push(`  ${paint('yellow', 'frozen')}    ${freezeText(one)}`)
  if (view.release !== null) lines.push(...describeRelease(view.release).map((line) => `  ${line}`))
  if (view.queued !== null) lines.push(`  waiting   ${view.queued.id} (${view.queued.version})`)
  for (const problem of view.problems) lines.push(`  ${paint('red', 'problem')}   ${problem}`)
  return lines.join('\n')
}

function freezeText({ service, by, at, reason, until }: FreezeView): string {
  const what = service === null ? 'with everything else, ' : ''
  const till = until === null ? '' : `, until ${time(until)}`
  return `${what}by ${by} since ${time(at)}${till}: ${firstLine(reason)}`
}

/** `asleep, 41 s to full capacity, last drill 12 min ago, ok`, and what that is made of. */
export function wayBackText(
  { possible, because, rung, measuredMs, drilledAt, drillFailed, weakened }: ServiceView['wayBack'],
  now: number,
): string {
  if (!possible) return `none: ${because}`
  const parts = weakened === null ? [`${rung}`] : [`${rung}`, paint('yellow', 'weakened')]
  if (measuredMs !== null)
    parts.push(
      rung === 'full'
        ? `the last move took ${measuredMs.toFixed(1)} ms`
        : `${tookText(measuredMs)} to full capacity`,
    )
  if (drilledAt !== null) {
    const ended = drillFailed === null ? 'ok' : paint('red', `failed (${firstLine(drillFailed)})`)
    parts.push(`last drill ${agoText(now - drilledAt)} ago, ${ended}`)
  }
  return `${parts.join(', ')} (${because})`
}

function tookText(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`
}

function agoText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 90) return `${seconds} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`
}

export function describeRelease(release: ReleaseView): string[] {
  const lines = [
    `release   ${release.id}: ${release.from === null ? '' : `${release.from} → `}${release.version}, ${phaseText(release)}`,
  ]
  for (const gate of release.gates) lines.push(`  gate    ${gateText(gate)}`)
  for (const { name, because } of release.leftOut)
    lines.push(`  gate    ${name} left out: ${because}`)
  if (release.watch !== null && ['switching', 'watching'].includes(release.phase))
    lines.push(
      `  watch   ${release.watch.decision}: ${release.watch.because}`,
      ...release.watch.evidence.signals.map((one) => `          ${signalText(one)}`),
      ...release.watch.replace.map((id) => `          ${id} is worse than its siblings: replaced`),
    )
  return lines
}

/** What the answer would have been, had the manifest asked otherwise. */
function otherTolerances({ worseByAtLeast: least, worseByAtMost: most }: Signal): string {
  if (least === null) return ''
  const points = (value: number) => `${Math.round(Math.max(0, value) * 10_000) / 100} points`
  const back =
    least > 0
      ? `a tolerance below ${points(least)} would roll back`
      : 'no tolerance would roll back'
  return most === null ? `; ${back}` : `; ${back}, a margin from ${points(most)} on would promote`
}

type Signal = NonNullable<ReleaseView['watch']>['evidence']['signals'][number]

export function signalText(signal: Signal): string {
  const share = (value: number) => `${Math.round(value * 100)} %`
  const promote =
    signal.promotionEvidence === null
      ? 'by this it never promotes'
      : `${share(signal.promotionEvidence)} of what promotes it`
  return `${signal.signal} (${signal.design}${signal.required ? ', required' : ''}): ${share(signal.rollbackEvidence)} of what rolls back, ${promote}; ${signal.said}, against ${signal.comparedWith}${otherTolerances(signal)}`
}

export function gateText(gate: ReleaseView['gates'][number]): string {
  if (gate.state === 'waiting') return `${gate.name} waits`
  if (gate.state === 'running') return `${gate.name} runs: ${gate.progress ?? ''}`
  const colour = gate.verdict === 'pass' ? 'green' : gate.verdict === 'fail' ? 'red' : 'yellow'
  return `${gate.name} ${paint(colour, gate.verdict)}: ${gate.because}`
}

export function phaseText(release: ReleaseView): string {
  const reason = release.waitingFor !== null ? `waits for ${release.waitingFor}` : release.because
  const paused = release.paused === null ? '' : ` (paused by ${release.paused.by})`
  return `${paint('cyan', release.phase)}${paused}${reason === null ? '' : `: ${firstLine(reason)}`}`
}

/** The end of a wait: all of the reason, the log of what did not start included, and what to do now. */
export function outcome(release: ReleaseView): string {
  const { id, phase, because, waitingFor } = release
  const details = (because ?? '').split('\n').slice(1)
  const goesOn = waitingFor === null || isSettled(phase) ? [] : [`${id} goes on; the wait is over.`]
  return [...details.map((line) => `    ${line}`), ...goesOn, `Next: ${nextStep(release)}`].join(
    '\n',
  )
}

/** Past what a person waits for. */
export function isSettled(phase: ReleaseView['phase']): boolean {
  const settled: readonly string[] = [
    'stabilizing',
    'finished',
    'verified',
    'rejected',
    'aborted',
    'rolled-back',
  ]
  return settled.includes(phase)
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`
}

export function time(at: number): string {
  return new Date(at).toISOString().replace('T', ' ').slice(0, 19)
}
