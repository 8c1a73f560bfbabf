/**
 * A real Prometheus, Debian's (`apt-get install prometheus`), beside a real Beryl, with the files of `examples/observability`: it
 * scrapes, loads the rules, and one of them fires. Without a Prometheus this fails: what did not run must not look like a pass.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'
import { freePorts } from '../support/theirs.ts'
import { steadyTraffic } from '../support/traffic.ts'
import type { Traffic } from '../support/traffic.ts'

const examples = fileURLToPath(new URL('../../examples/observability/', import.meta.url))
const directory = mkdtempSync(join(tmpdir(), 'beryl-prometheus-'))

let beryl: Running
let traffic: Traffic
let prometheus: ChildProcess
let url: string

type Sample = { metric: Record<string, string>; value: [number, string] }

async function ask<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`${url}${path}`, { headers: { connection: 'close' } })
  return ((await response.json()) as { data: Answer }).data
}

const query = async (text: string) =>
  (await ask<{ result: Sample[] }>(`/api/v1/query?query=${encodeURIComponent(text)}`)).result

before(async () => {
  beryl = await startBeryl({ models: { v1: { answer: 'one' }, v2: { answer: 'two' } } })
  await beryl.deployed('v1')
  traffic = steadyTraffic(beryl.gateway)
  const [port] = await freePorts(1)
  url = `http://127.0.0.1:${port}`
  const token = await beryl.api<{ token: string }>('POST', '/tokens', {
    name: 'prometheus',
    role: 'viewer',
  })
  writeFileSync(join(directory, 'beryl.token'), token.token, { mode: 0o600 })
  copyFileSync(join(examples, 'alerts.yaml'), join(directory, 'alerts.yaml'))
  const config = readFileSync(join(examples, 'prometheus.yaml'), 'utf8')
    .replaceAll('15s', '1s')
    .replace('127.0.0.1:8090', new URL(beryl.apiUrl).host)
  assert.match(config, /scrape_interval: 1s/)
  writeFileSync(join(directory, 'prometheus.yaml'), config)
  prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  )
  // A program that is not there.
  await Promise.race([
    once(prometheus, 'spawn'),
    once(prometheus, 'error').then(([error]) => {
      throw new Error('no prometheus: `apt-get install prometheus`', { cause: error })
    }),
  ])
})

after(async () => {
  if (prometheus?.pid !== undefined && prometheus.exitCode === null) {
    prometheus.kill('SIGKILL')
    await once(prometheus, 'exit')
  }
  await traffic?.stop()
  assert.equal(await beryl?.stop(), 0)
  rmSync(directory, { recursive: true, force: true })
})

test('promtool finds no fault in the rules, the configuration and the metrics', async () => {
  const promtool = (args: string[], input = '') =>
    execFileSync('promtool', args, { encoding: 'utf8', input, stdio: ['pipe', 'pipe', 'pipe'] })
  assert.match(promtool(['check', 'rules', join(examples, 'alerts.yaml')]), /SUCCESS/)
  assert.match(promtool(['check', 'config', join(directory, 'prometheus.yaml')]), /SUCCESS/)
  const metrics = await fetch(new URL('/metrics', beryl.apiUrl), {
    headers: { authorization: `Bearer ${beryl.token}` },
  })
  assert.match(metrics.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
  promtool(['check', 'metrics'], await metrics.text())
})

test('it scrapes gateway, releases, evidence and the way back, and the alert of a rollback fires', async () => {
  await eventually(
    async () =>
      (await query('beryl_live_info').catch(() => [])).some(
        ({ metric }) => metric['version'] === 'v1',
      ),
    () => 'Prometheus to know that v1 is live',
  )
  const { id } = await beryl.deploy('v2')
  await beryl.until(id, ({ phase }) => phase === 'stabilizing', 'stabilizing')
  await eventually(
    async () => (await query('beryl_way_back_seconds{service="tiny"} < 10')).length === 1,
    () => 'Prometheus to know the measured way back',
  )
  await beryl.api('POST', '/services/tiny/rollback', { reason: 'to see the alert' })
  await eventually(
    async () => {
      const { alerts } = await ask<{ alerts: { labels: Record<string, string>; state: string }[] }>(
        '/api/v1/alerts',
      )
      return alerts.some(
        ({ labels, state }) =>
          labels['alertname'] === 'BerylRolledBack' &&
          labels['service'] === 'tiny' &&
          state === 'firing',
      )
    },
    () => 'BerylRolledBack to fire',
  )
  const { activeTargets } = await ask<{ activeTargets: { health: string; lastError: string }[] }>(
    '/api/v1/targets',
  )
  assert.deepEqual(
    activeTargets.map(({ health, lastError }) => [health, lastError]),
    [['up', '']],
  )
  const answered = await query('sum by (version) (beryl_outcomes_total{outcome="ok"})')
  assert.deepEqual(new Set(answered.map(({ metric }) => metric['version'])), new Set(['v1', 'v2']))
  const rules = await ask<{ groups: { rules: { name: string; health: string }[] }[] }>(
    '/api/v1/rules',
  )
  assert.equal(rules.groups[0]!.rules.length, 12)
  assert.deepEqual(
    rules.groups[0]!.rules.filter(({ health }) => health !== 'ok').map(({ name }) => name),
    [],
  )
})
