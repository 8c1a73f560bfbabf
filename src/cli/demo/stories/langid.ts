/** A classifier: a better version, one that answers worse, one that goes bad under traffic, and one that a person takes back. */
import { readFileSync } from 'node:fs'
import { exitCodes } from '../../exit-codes.ts'
import { startClient } from '../client.ts'
import { live, release, rollBack } from '../release.ts'
import { scoreboard } from '../scoreboard.ts'
import { exampleModule, examplePath } from '../stage.ts'
import type { Answered, Counts } from '../tally.ts'
import type { Telling } from '../tell.ts'
import type { TrafficData, TrafficMessage } from '../traffic.ts'

const perSecond = 250
const service = 'langid'

export async function langid(telling: Telling): Promise<string> {
  const { script, set } = telling
  script.step('Beryl starts; v1 becomes the first live version of a service')
  script.note(
    'A small real model that tells 13 languages apart, trained a moment ago on this machine.',
  )
  const stage = await set({ name: 'langid', makeModels })
  const on = { stage, script, service }
  script.note(`Traffic ${stage.running.gateway}   API ${stage.running.url}`)
  const first = release(on, 'v1', exitCodes.done)
  await live(on, 'v1', first)

  script.step(`A client sends ${perSecond} requests a second, from here to the end`)
  script.note('On kept and on new connections; it knows the right answers, and counts what comes.')
  const client = telling.client(sendTraffic(stage.running.gateway))
  const v1 = await first
  script.check(
    'answers come',
    (client.counts().byVersion['v1']?.answers ?? 0) > 0,
    `${client.counts().byVersion['v1']?.answers ?? 0} from v1 so far`,
  )

  script.step('v2, truly better: tested beside v1, then all traffic moves in one step')
  const v2 = await release(on, 'v2', exitCodes.done)

  script.step('v3 starts, is healthy, fast and confident, and answers worse')
  script.note('Two labels are in the wrong order: no health check sees that. Labelled examples do.')
  const before = client.counts().byVersion['v3']?.answers ?? 0
  const v3 = await release(on, 'v3', exitCodes.rejected)
  script.check(
    'live traffic was not touched',
    before === 0 && (client.counts().byVersion['v3']?.answers ?? 0) === 0,
    'no client saw v3',
  )

  script.step('v4 passes every gate, and goes bad under live traffic')
  script.note(
    'It keeps uncertain answers in a list that nobody empties. The watch sees the errors and moves back.',
  )
  const v4 = await release(on, 'v4', exitCodes.rolledBack)
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
  await release(on, 'v5', exitCodes.done)
  const back = await rollBack(on, 'v2')

  script.step('The scoreboard')
  const { counts, answers } = await client.stop()
  const cost = await stage.api.cost(service)
  scoreboard(script, { counts, answers, releases: { v1, v2, v3, v4, v5: back }, cost })
  return '/classify'
}

async function makeModels(into: string): Promise<void> {
  const { trainAll } = await exampleModule<{ trainAll: (into: string) => void }>('langid', 'train')
  trainAll(into)
}

type Client = {
  counts(): Counts
  stop(): Promise<{ counts: Counts; answers: readonly Answered[] }>
}

/** Steady traffic of the golden set's sentences. */
function sendTraffic(url: string): Client {
  const lines = readFileSync(examplePath('langid', 'data', 'golden.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
  const inputs = lines.map((line) => {
    const { request, expected } = JSON.parse(line) as { request: unknown; expected: string }
    return { body: JSON.stringify(request), expected }
  })
  // A stride that shares no factor with their number mixes the languages.
  const mixed = inputs.map((_, index) => inputs[(index * 487) % inputs.length]!)
  const client = startClient<TrafficMessage>(
    'traffic',
    { url: `${url}/classify`, perSecond, inputs: mixed } satisfies TrafficData,
    { counts: { total: 0, byVersion: {}, lost: 0, problems: [] }, answers: null },
  )
  return {
    counts: () => client.said().counts,
    stop: async () => {
      const { counts, answers } = await client.stop()
      return { counts, answers: answers ?? [] }
    },
  }
}
