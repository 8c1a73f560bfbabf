/**
 * `npm run bench:ladder`: what a rollback takes from each rung of the standby ladder, and what the rung costs. A real language model
 * (examples/moby-pico, two replicas; its weights leave memory when it sleeps and are read from disk again) under steady traffic.
 * Times are the client's: from the request for the rollback to the first answer of the old version, and to the last of the new one.
 * A day is one release: an hour of it for tests and watch, and the standby on that rung for the rest.
 */
import { fileURLToPath } from 'node:url'
import { startBeryl } from '../test/support/beryl.ts'

const example = fileURLToPath(new URL('../examples/moby-pico/', import.meta.url))
const replicas = 2
const rounds = 3
const clients = 4
const settleMs = 1500

const rungs = [
  { name: 'full', ladder: '[{ full: 1h }]', kept: replicas },
  { name: 'replicas: 1', ladder: '[{ full: 1s }, { replicas: 1, for: 1h }]', kept: 1 },
  { name: 'asleep', ladder: '[{ full: 1s }, { asleep: 1h }]', kept: replicas },
] as const

const manifest = (ladder: string) => `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 2 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    route: { path: /v1 }
    protocol: openai
    environment:
      provider: process
      directory: ${example}
      command: [${JSON.stringify(process.execPath)}, server.ts, --model, "{model}", --tokenizer, "{tokenizer}", --port, "{port}", --name, pico, --name, "pico-{version}"]
      replicas: ${replicas}
      ready: { path: /health, within: 30s, model: "pico-{version}" }
      sleep: { by: paths, sleep: /sleep, wake: /wake_up }
    versions:
      v1: { model: ${example}models/v1.bin, tokenizer: ${example}models/tokenizer.json }
      v2: { model: ${example}models/v2.bin, tokenizer: ${example}models/tokenizer.json }
    switch: { when: approved, drain: 30s }
    watch: { atLeast: 0s, atMost: 1s, signals: [errors], whenUndecided: accept, errors: { margin: 50%, atMost: 60% } }
    standby: ${ladder}
`

type Run = { firstMs: number; allMs: number; drilledMs: number | null; lost: number }

console.log(`a rollback, median of ${rounds}; two replicas, ${clients} clients`)
console.log(
  'rung          first answer    all answers    as drilled    kept    replica-hours a day',
)
for (const rung of rungs) {
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) runs.push(await rollBackFrom(rung.ladder, rung.name))
  const of = (what: (run: Run) => number | null) => {
    const all = runs.flatMap((run) => what(run) ?? []).toSorted((a, b) => a - b)
    return all[Math.floor(all.length / 2)]
  }
  const drilled = of(({ drilledMs }) => drilledMs)
  const lost = runs.reduce((sum, run) => sum + run.lost, 0)
  console.log(
    [
      rung.name.padEnd(12),
      ms(of(({ firstMs }) => firstMs)).padStart(13),
      ms(of(({ allMs }) => allMs)).padStart(14),
      (drilled === undefined ? '–' : ms(drilled)).padStart(13),
      `${rung.kept}`.padStart(7),
      `${replicas + rung.kept * 23} + ${24 * replicas} live`.padStart(22),
      lost === 0 ? '' : `   ${lost} LOST`,
    ].join(' '),
  )
}
console.log(`two full environments all day: ${24 * replicas} + ${24 * replicas} live`)
console.log()
console.log(
  'a day with one release, against two full environments for that day: replica-hours beside live',
)
for (const rung of rungs) {
  const beside = replicas + rung.kept * 23
  const share = Math.round((100 * beside) / (24 * replicas))
  const note =
    rung.name === 'asleep' ? ' (reserved; less what is leased out, or at price.asleepHour)' : ''
  console.log(
    `${rung.name.padEnd(12)} ${String(beside).padStart(4)} of ${24 * replicas}, ${share} %${note}`,
  )
}
console.log(
  `${'gone'.padEnd(12)} ${String(replicas).padStart(4)} of ${24 * replicas}, ${Math.round(100 / 24)} %, and no way back but a new start`,
)

async function rollBackFrom(ladder: string, rung: string): Promise<Run> {
  const beryl = await startBeryl({ manifest: manifest(ladder), models: {} })
  try {
    for (const version of ['v1', 'v2']) {
      const { id } = await beryl.deploy(version)
      await beryl.until(id, ({ phase }) => phase === 'awaiting-approval', 'awaiting approval')
      await beryl.api('POST', `/releases/${id}/approve`, {})
      const settled = ({ phase, waitingFor }: { phase: string; waitingFor: string | null }) =>
        version === 'v1'
          ? phase === 'finished'
          : phase === 'stabilizing' &&
            waitingFor?.startsWith(
              `the standby: ${rung === 'replicas: 1' ? '1 replica' : rung} for another`,
            ) === true
      await beryl.until(id, settled, `on the rung ${rung}`)
    }
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    const { wayBack } = await beryl.service()
    const traffic = ask(beryl.gateway)
    await new Promise((resolve) => setTimeout(resolve, settleMs))
    const asked = performance.now()
    await beryl.api('POST', '/services/tiny/rollback', { reason: 'a measurement' })
    const release = (await beryl.service()).release
    if (release !== null)
      await beryl.until(release.id, ({ phase }) => phase === 'rolled-back', 'rolled back')
    const { answers, lost } = await traffic.stop()
    const old = answers.filter(({ version, at }) => version === 'v1' && at > asked)
    const own = answers.filter(({ version }) => version === 'v2')
    return {
      firstMs: Math.min(...old.map(({ at }) => at)) - asked,
      allMs: Math.max(asked, ...own.map(({ at }) => at)) - asked,
      drilledMs: wayBack.drilledAt === null ? null : wayBack.measuredMs,
      lost,
    }
  } finally {
    await beryl.stop()
  }
}

/** One token at a time, from several clients. */
function ask(gateway: string) {
  const answers: { version: string; at: number }[] = []
  let lost = 0
  let stopped = false
  const body = JSON.stringify({ model: 'pico', prompt: 'Call me', max_tokens: 1 })
  const running = Array.from({ length: clients }, async () => {
    while (!stopped) {
      const response = await fetch(`${gateway}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).catch(() => null)
      const version = response?.headers.get('beryl-version')
      if (response?.status === 200 && version) answers.push({ version, at: performance.now() })
      else lost++
      await response?.text()
    }
  })
  return {
    stop: async () => {
      stopped = true
      await Promise.all(running)
      return { answers, lost }
    },
  }
}

function ms(value: number | undefined): string {
  if (value === undefined) return '–'
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`
}
