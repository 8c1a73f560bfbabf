/** `beryl demo`: the whole story with real models. Every line is measured; what does not happen makes it fail. */
import type { ReleaseView } from '../../api/shapes.ts'
import { exitCodes } from '../exit-codes.ts'
import { command, sendTraffic, setStage } from '../demo/stage.ts'
import type { Client, Stage } from '../demo/stage.ts'
import { scoreboard } from '../demo/scoreboard.ts'
import { Script } from '../demo/script.ts'
import type { Globals } from '../main.ts'

const perSecond = 250
const service = 'langid'
const pollMs = 50

export async function demo({ json }: Globals, { keep }: { keep: boolean }): Promise<number> {
  const script = new Script(json ? process.stderr : process.stdout)
  let stage: Stage | null = null
  let client: Client | null = null
  let left = false
  let interrupted = false
  let strike = () => Promise.resolve()
  const interrupt = () => {
    if (interrupted) process.exit(130)
    interrupted = true
    script.line('Stopping everything …')
    void strike().then(() => process.exit(130))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  try {
    script.step('Beryl starts; v1 becomes the first live version of a service')
    script.note(
      'A small real model that tells 13 languages apart, trained a moment ago on this machine.',
    )
    stage = await setStage((how) => (strike = how))
    script.note(`Traffic ${stage.running.gateway}   API ${stage.running.url}`)
    const first = release(stage, script, 'v1', exitCodes.done)
    await live(stage, 'v1', first)

    script.step(`A client sends ${perSecond} requests a second, from here to the end`)
    script.note(
      'On kept and on new connections; it knows the right answers, and counts what comes.',
    )
    client = sendTraffic(stage.running.gateway, perSecond)
    const v1 = await first
    script.check(
      'answers come',
      (client.counts().byVersion['v1']?.answers ?? 0) > 0,
      `${client.counts().byVersion['v1']?.answers ?? 0} from v1 so far`,
    )

    script.step('v2, truly better: tested beside v1, then all traffic moves in one step')
    const v2 = await release(stage, script, 'v2', exitCodes.done)

    script.step('v3 starts, is healthy, fast and confident, and answers worse')
    script.note(
      'Two labels are in the wrong order: no health check sees that. Labelled examples do.',
    )
    const before = client.counts().byVersion['v3']?.answers ?? 0
    const v3 = await release(stage, script, 'v3', exitCodes.rejected)
    script.check(
      'live traffic was not touched',
      before === 0 && (client.counts().byVersion['v3']?.answers ?? 0) === 0,
      'no client saw v3',
    )

    script.step('v4 passes every gate, and goes bad under live traffic')
    script.note(
      'It keeps uncertain answers in a list that nobody empties. The watch sees the errors and moves back.',
    )
    const v4 = await release(stage, script, 'v4', exitCodes.rolledBack)
    script.check(
      'rolled back by itself',
      v4.rolledBack?.by === 'guard',
      v4.rolledBack === null
        ? 'it was not'
        : `decided ${(v4.rolledBack.detectMs / 1000).toFixed(1)} s after the switch, done ${v4.rolledBack.tookMs.toFixed(1)} ms later`,
    )

    script.note(`answered badly in between: ${client.counts().byVersion['v4']?.failed ?? 0}`)

    script.step('v5 goes live; then a person changes their mind: one rollback by hand')
    script.note('The same weights in one byte each: a quarter of the size, as good.')
    await release(stage, script, 'v5', exitCodes.done)
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
      'back on v2',
      undone.code === 0 && back.phase === 'rolled-back',
      `${back.rolledBack?.tookMs.toFixed(1)} ms, by ${back.rolledBack?.by}`,
    )

    script.step('The scoreboard')
    const { counts, answers } = await client.stop()
    client = null
    const cost = await stage.api.cost(service)
    scoreboard(script, { counts, answers, releases: { v1, v2, v3, v4, v5: back }, cost })
    if (keep) {
      script.line(
        `Still running: ${stage.running.gateway}/classify   stop it with: kill -INT ${stage.running.pid}`,
      )
      script.line(`Look at it: ${command} status --data ${stage.data}`)
      stage.leave()
      left = true
    }
  } catch (error) {
    if (!interrupted) script.fail((error as Error).message)
  } finally {
    await client?.stop()
    if (!left) await strike()
  }
  // What a Ctrl-C broke off did not fail: the handler ends the process once everything is stopped.
  if (interrupted) return exitCodes.error
  for (const failure of script.failures) script.line(`did not happen: ${failure}`)
  script.end()
  if (json) process.stdout.write(`${JSON.stringify(script.document(), null, 2)}\n`)
  return script.failures.length === 0 ? exitCodes.done : exitCodes.error
}

/** A first release ends its watch on traffic, as any does: so traffic begins as soon as it is live. */
async function live(stage: Stage, version: string, release_: Promise<unknown>): Promise<void> {
  let over = false
  void release_.catch(() => undefined).then(() => (over = true))
  while (!over && (await stage.api.service(service)).live?.version !== version)
    await new Promise((resolve) => setTimeout(resolve, pollMs))
}

/** `beryl deploy langid VERSION --wait --json`, as anybody would call it. */
async function release(
  stage: Stage,
  script: Script,
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
