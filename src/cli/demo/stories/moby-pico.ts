/** A language model: a better version in the middle of long streams, two bad ones that only gates see, and a rollback by hand. */
import { cpSync, readFileSync } from 'node:fs'
import type { ReleaseView } from '../../../api/shapes.ts'
import { exitCodes } from '../../exit-codes.ts'
import { startClient } from '../client.ts'
import { live, release, rollBack } from '../release.ts'
import { movesOf, times } from '../scoreboard.ts'
import type { Script } from '../script.ts'
import { exampleModule, examplePath } from '../stage.ts'
import { acrossAt } from '../stream-tally.ts'
import type { StreamMessage } from '../stream-tally.ts'
import type { StreamsData } from '../streams.ts'
import { oldAfterNew } from '../tally.ts'
import type { Telling } from '../tell.ts'

const service = 'writer'
const shortClients = 4
const streamClients = 4
/** At 60 a second at most: a stream takes six seconds and more. */
const streamTokens = 360

export async function mobyPico({ script, set, client: keep }: Telling): Promise<string> {
  script.step('Beryl starts; v1 becomes the first live version of a service')
  script.note(
    'A small real language model, trained on Moby-Dick. It writes pseudo-English, not answers; its cost and its streams are real.',
  )
  const stage = await set({ name: 'moby-pico', makeModels })
  const on = { stage, script, service }
  script.note(`Traffic ${stage.running.gateway}/v1   API ${stage.running.url}`)
  const first = release(on, 'v1', exitCodes.done)
  await live(on, 'v1', first)

  script.step(
    `${streamClients} clients read long streams, ${shortClients} ask for short answers, from here to the end`,
  )
  const client = keep(write(`${stage.running.gateway}/v1`))
  const v1 = await first
  script.note(`v1 writes: ${client.said().counts.samples['v1'] ?? 'nothing yet'} …`)

  script.step(
    'v2, truly better: it finds held-out text more probable; traffic moves in the middle of streams',
  )
  await release(on, 'v2', exitCodes.done)
  script.note(`v2 writes: ${client.said().counts.samples['v2'] ?? 'nothing yet'} …`)

  script.step('A person changes their mind: one rollback by hand, in the middle of streams')
  const back = await rollBack(on, 'v1')

  script.step('v3 has the weights of v2 and the tokenizer of another version')
  script.note('It is healthy and fast, and writes words. How probable it finds real text tells.')
  const v3 = await release(on, 'v3', exitCodes.rejected)
  caught(script, v3, 'goldenSet')

  script.step('v4 has a temperature that is stuck at 0: the same probabilities, and it loops')
  const v4 = await release(on, 'v4', exitCodes.rejected)
  caught(script, v4, 'goldenSet-2')

  script.step('v2 once more, for good: a new release takes nothing over from the old one')
  const again = await release(on, 'v2', exitCodes.done)

  script.step('The scoreboard')
  script.note('Streams that are open are read to their end first.')
  const found = await client.stop()
  const cost = await stage.api.cost(service)
  scoreboard(script, found, { v1, v2: back, v3, v4, 'v2 again': again })
  script.row('first token of streamed answers in the gates', firstTokens(again))
  script.row(
    'replica-hours',
    `${cost.total.replicaHours.toFixed(3)}${cost.total.money === null ? '' : ` = ${cost.total.money.toFixed(4)} ${cost.currency}`}`,
  )
  return '/v1/completions'
}

function scoreboard(
  script: Script,
  { counts, answers, streams }: StreamMessage,
  releases: Record<string, ReleaseView>,
): void {
  for (const [version, { answers: short, streams: long, failed }] of Object.entries(
    counts.byVersion,
  ))
    script.row(`from ${version}`, `${short} short answers, ${long} whole streams, ${failed} failed`)
  script.row(
    'switches',
    times(releases, ({ switched }) => switched?.tookMs),
  )
  script.row(
    'rollbacks',
    times(releases, ({ rolledBack }) => rolledBack?.tookMs),
  )
  const failed = Object.values(counts.byVersion).reduce((sum, one) => sum + one.failed, 0)
  script.check('answers that failed: 0', failed === 0, failed === 0 ? '' : String(failed))
  script.check(
    'streams cut or requests lost: 0',
    counts.total > 0 && counts.lost === 0,
    counts.lost === 0
      ? `of ${counts.total}`
      : `${counts.lost}, e.g. ${counts.problems.join(' | ')}`,
  )
  const [v2, again] = [releases['v2']!, releases['v2 again']!]
  for (const [what, at, from] of [
    ['switch', v2.switched?.at, 'v1'],
    ['rollback', v2.rolledBack?.at, 'v2'],
    ['second switch', again.switched?.at, 'v1'],
  ] as const) {
    const across = at === undefined ? [] : acrossAt(streams, at)
    script.check(
      `streams that were open at the ${what} ended where they began`,
      across.length > 0 && across.every(({ version }) => version === from),
      `${across.length} whole ones, of ${[...new Set(across.map(({ version }) => version))].join(', ')}`,
    )
  }
  const moves = movesOf(releases)
  const stale = oldAfterNew(answers, moves)
  script.check(
    'old answers after a new one: 0',
    stale === 0 && moves.length === 4,
    stale === 0 ? `over ${moves.length - 1} moves of live traffic` : String(stale),
  )
  const seen = ['v3', 'v4'].filter((version) => version in counts.byVersion)
  script.check('no client saw v3 or v4', seen.length === 0, seen.join(', '))
}

/** It was rejected by that gate, not by anything else. */
function caught(script: Script, { gates }: ReleaseView, expected: string): void {
  const failing = gates.flatMap((gate) =>
    gate.state === 'decided' && gate.verdict === 'fail' ? [gate.name] : [],
  )
  script.check(`caught by ${expected}`, failing.join() === expected, failing.join())
}

function firstTokens({ gates }: ReleaseView): string {
  const found = gates.flatMap((gate) => {
    const told = gate.state === 'decided' ? gate.evidence['firstTokenMs'] : undefined
    return told === undefined ? [] : [told as { median: number; p95: number }]
  })
  return found
    .map(({ median, p95 }) => `${median.toFixed(0)} ms (95 %: ${p95.toFixed(0)} ms)`)
    .join(', ')
}

async function makeModels(into: string): Promise<void> {
  cpSync(examplePath('moby-pico', 'models'), into, { recursive: true })
  const { makeFaults } = await exampleModule<{ makeFaults: (into: string) => void }>(
    'moby-pico',
    'make-faults',
  )
  makeFaults(into)
}

function write(url: string) {
  const prompts = readFileSync(examplePath('moby-pico', 'data', 'held-out.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { request: { prompt: string } }).request.prompt)
  return startClient<StreamMessage>(
    'streams',
    { url, shortClients, streamClients, tokens: streamTokens, prompts } satisfies StreamsData,
    {
      counts: { total: 0, byVersion: {}, lost: 0, problems: [], samples: {} },
      answers: [],
      streams: [],
    },
  )
}
