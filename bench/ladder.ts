/**
 * `npm run bench:ladder`: what a rollback takes from each rung of the standby ladder, and what the rung costs. A real language model
 * (examples/moby-pico, two replicas; its weights leave memory when it sleeps and are read from disk again) under steady traffic; for
 * `shared` the classifier of examples/langid, two replicas and the pool server of examples/pool: a pool tells models apart by KServe V2.
 * Times are the client's: from the request for the rollback to the first answer of the old version, and to the last of the new one.
 * A day is one release: an hour of it for tests and watch, and the standby on that rung for the rest.
 */
import { fileURLToPath } from 'node:url'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBeryl } from '../test/support/beryl.ts'
import { poolProgram } from '../test/support/pooled.ts'

const example = fileURLToPath(new URL('../examples/moby-pico/', import.meta.url))
const replicas = 2
const rounds = 3
const clients = 4
const settleMs = 1500

const rungs = [
  { name: 'full', ladder: '[{ full: 1h }]', kept: replicas },
  { name: 'replicas: 1', ladder: '[{ full: 1s }, { replicas: 1, for: 1h }]', kept: 1 },
  { name: 'asleep', ladder: '[{ full: 1s }, { asleep: 1h }]', kept: replicas },
  {
    name: 'shared',
    ladder: '[{ full: 1s }, { shared: 1h, pool: spare, model: "tiny-{version}" }]',
    kept: 0,
  },
] as const
/** Places of the pool server. */
const places = 4

/** What is run, and what clients ask of it. */
type Stage = { manifest: string; path: string; body: object; end: () => Promise<void> }

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

/** What a figure does not say by itself. */
const notes: Record<string, string> = {
  asleep: ' (reserved; less what is leased out, or at price.asleepHour)',
  shared: `, and 23 h of a place in a pool server (of ${places}: ${(23 / places).toFixed(1)} server-hours)`,
}

type Run = { firstMs: number; allMs: number; drilledMs: number | null; lost: number }

console.log(`a rollback, median of ${rounds}; two replicas, ${clients} clients`)
console.log(
  'rung          first answer    all answers    as drilled    kept    replica-hours a day   lost',
)
for (const rung of rungs) {
  const stageOf = rung.name === 'shared' ? pooledStage : picoStage
  const runs: Run[] = []
  for (let round = 0; round < rounds; round++) {
    const stage = await stageOf(rung.ladder)
    try {
      runs.push(await rollBackFrom(stage, rung.name))
    } finally {
      await stage.end()
    }
  }
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
      `${lost}`.padStart(6),
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
  const note = notes[rung.name] ?? ''
  console.log(
    `${rung.name.padEnd(12)} ${String(beside).padStart(4)} of ${24 * replicas}, ${share} %${note}`,
  )
}
console.log(
  `${'gone'.padEnd(12)} ${String(replicas).padStart(4)} of ${24 * replicas}, ${Math.round(100 / 24)} %, and no way back but a new start`,
)

async function picoStage(ladder: string): Promise<Stage> {
  return {
    manifest: manifest(ladder),
    path: '/v1/completions',
    body: { model: 'pico', prompt: 'Call me', max_tokens: 1 },
    end: async () => {},
  }
}

async function pooledStage(ladder: string): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-bench-pool-'))
  const { trainAll } = (await import(
    new URL('../examples/langid/train.ts', import.meta.url).href
  )) as { trainAll: (to: string) => void }
  trainAll(directory)
  const of = (version: string) => join(directory, version)
  const repository = ['v1', 'v2'].map((version) => `tiny-${version}=${of(version)}`)
  const pool = spawn(
    process.execPath,
    [poolProgram, '--port', '0', '--models', `${places}`, ...repository],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [said] = (await once(pool.stdout, 'data')) as [Buffer]
  const url = `http://127.0.0.1:${/"port":(\d+)/.exec(said.toString())![1]}`
  return {
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 2 }
api: { listen: 127.0.0.1:0 }
pools:
  spare: { url: "${url}", models: ${places}, within: 30s }
services:
  tiny:
    route: { path: / }
    protocol: kserve-v2
    environment:
      provider: process
      command: [${JSON.stringify(process.execPath)}, ${JSON.stringify(poolProgram)}, --port, "{port}", --load, tiny, "tiny={model}"]
      replicas: ${replicas}
      ready: { path: /v2/models/tiny/ready, within: 30s }
    versions:
      v1: { model: ${of('v1')} }
      v2: { model: ${of('v2')} }
    switch: { when: approved, drain: 30s }
    watch: { atLeast: 0s, atMost: 1s, signals: [errors], whenUndecided: accept, errors: { margin: 50%, atMost: 60% } }
    standby: ${ladder}
`,
    path: '/v2/models/tiny/infer',
    body: {
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: ['wie geht es dir'] }],
    },
    end: async () => {
      const exited = once(pool, 'exit')
      pool.kill()
      await exited
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function rollBackFrom({ manifest: text, ...requests }: Stage, rung: string): Promise<Run> {
  const beryl = await startBeryl({ manifest: text, models: {} })
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
    const traffic = ask(beryl.gateway, requests)
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

/** One answer after the other, from several clients. */
function ask(gateway: string, { path, body: asked }: Pick<Stage, 'path' | 'body'>) {
  const answers: { version: string; at: number }[] = []
  let lost = 0
  let stopped = false
  const body = JSON.stringify(asked)
  const running = Array.from({ length: clients }, async () => {
    while (!stopped) {
      const response = await fetch(`${gateway}${path}`, {
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
