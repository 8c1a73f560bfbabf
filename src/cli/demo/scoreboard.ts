/** The end of the demo: what was promised, beside what was counted. */
import type { CostView, ReleaseView } from '../../api/shapes.ts'
import { oldAfterNew } from './tally.ts'
import type { Answered, Counts, Move } from './tally.ts'
import type { Script } from './script.ts'

export type Scores = {
  counts: Counts
  answers: readonly Answered[]
  releases: Record<string, ReleaseView>
  cost: CostView
}

export function scoreboard(script: Script, { counts, answers, releases, cost }: Scores): void {
  const moves = movesOf(releases)
  const stale = oldAfterNew(answers, moves)
  const failed = Object.entries(counts.byVersion)
    .filter(([version]) => version !== 'v4')
    .reduce((sum, [, one]) => sum + one.failed, 0)
  for (const [version, { answers: count, right, wrong, failed: bad }] of Object.entries(
    counts.byVersion,
  )) {
    script.row(`answers from ${version}`, `${count}: ${right} right, ${wrong} wrong, ${bad} failed`)
  }
  script.row("failed by v4's own doing", String(counts.byVersion['v4']?.failed ?? 0))
  script.row(
    'switches',
    times(releases, (release) => release.switched?.tookMs),
  )
  script.row(
    'rollbacks',
    times(releases, (release) => release.rolledBack?.tookMs),
  )
  const v4 = releases['v4']
  if (v4?.rolledBack)
    script.row(
      'v4: from the switch to the decision',
      `${(v4.rolledBack.detectMs / 1000).toFixed(1)} s`,
    )
  script.row(
    'replica-hours',
    `${cost.total.replicaHours.toFixed(3)}${cost.total.money === null ? '' : ` = ${cost.total.money.toFixed(4)} ${cost.currency}`}`,
  )
  script.check('requests', counts.total > 0, String(counts.total))
  script.check('v4 failed, and was left', (counts.byVersion['v4']?.failed ?? 0) > 0, '')
  script.check('failures of the good versions: 0', failed === 0, failed === 0 ? '' : String(failed))
  script.check(
    'requests lost by Beryl: 0',
    counts.lost === 0,
    counts.lost === 0 ? '' : `${counts.lost}, e.g. ${counts.problems.join(' | ')}`,
  )
  script.check(
    'old answers after a new one: 0',
    stale === 0 && moves.length >= 5,
    stale === 0 ? `over ${moves.length - 1} moves of live traffic` : String(stale),
  )
}

/** Where live traffic was, in order: each switch, and each rollback. */
export function movesOf(releases: Record<string, ReleaseView>): Move[] {
  return Object.values(releases)
    .flatMap(({ version, from, switched, rolledBack }): Move[] => [
      ...(switched === null ? [] : [{ version, at: switched.at }]),
      ...(rolledBack === null || from === null ? [] : [{ version: from, at: rolledBack.at }]),
    ])
    .toSorted((a, b) => a.at - b.at)
}

export function times(
  releases: Record<string, ReleaseView>,
  of: (release: ReleaseView) => number | undefined,
): string {
  const found = Object.entries(releases).flatMap(([version, release]) => {
    const ms = of(release)
    return ms === undefined ? [] : [`${version} ${ms.toFixed(1)} ms`]
  })
  return found.length === 0 ? 'none' : found.join(', ')
}
