/** What a person does in the demo, through the CLI, as anybody would call it. */
import type { ReleaseView } from '../../api/shapes.ts'
import type { Script } from './script.ts'
import type { Stage } from './stage.ts'

const pollMs = 50

/** `beryl deploy SERVICE VERSION --wait --json`. */
export async function release(
  { stage, script, service }: { stage: Stage; script: Script; service: string },
  version: string,
  expected: number,
): Promise<ReleaseView> {
  const { code, out, err } = await stage.beryl(
    'deploy',
    service,
    version,
    '--wait',
    '--json',
    '--timeout',
    '90s',
  )
  if (out.trim() === '')
    throw new Error(`beryl deploy ${service} ${version} ended with exit code ${code}: ${err}`)
  const view = JSON.parse(out) as ReleaseView
  for (const gate of view.gates)
    if (gate.state === 'decided') script.note(`${gate.name} ${gate.verdict}: ${gate.because}`)
  if (view.switched !== null)
    script.note(`switched in one step, ${view.switched.tookMs.toFixed(1)} ms from decision to done`)
  if (view.watch !== null) script.note(`watch: ${view.watch.because}`)
  script.check(
    `${version} is ${view.phase}`,
    code === expected,
    view.because ?? view.waitingFor ?? '',
  )
  return view
}

/** `beryl rollback SERVICE --wait --json`. */
export async function rollBack(
  { stage, script, service }: { stage: Stage; script: Script; service: string },
  to: string,
): Promise<ReleaseView> {
  const undone = await stage.beryl(
    'rollback',
    service,
    '--reason',
    'shown in the demo',
    '--wait',
    '--json',
  )
  const back = JSON.parse(undone.out) as ReleaseView
  script.check(
    `back on ${to}`,
    undone.code === 0 && back.phase === 'rolled-back',
    `${back.rolledBack?.tookMs.toFixed(1)} ms, by ${back.rolledBack?.by}`,
  )
  return back
}

/** A first release ends its watch on traffic, as any does: so traffic begins as soon as it is live. */
export async function live(
  { stage, service }: { stage: Stage; service: string },
  version: string,
  release_: Promise<unknown>,
): Promise<void> {
  let over = false
  void release_.catch(() => undefined).then(() => (over = true))
  while (!over && (await stage.api.service(service)).live?.version !== version)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
}
