/** GPU slots with two services: a candidate of one on the slot where the standby of the other sleeps, and the rollback that wants it back. It sleeps and wakes by programs. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ReleaseView } from '../../src/api/shapes.ts'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

const server = fileURLToPath(new URL('../fixtures/model.js', import.meta.url))
const command = `[${JSON.stringify(process.execPath)}, ${JSON.stringify(server)}, "{model}", "{port}"]`
/** A program of the user's own, beside the manifest: it asks the server, and writes down whom it asked for what. */
const program = `import { appendFileSync } from 'node:fs'
const [, , pid, port, path] = process.argv
process.kill(Number(pid), 0)
const { ok } = await fetch('http://127.0.0.1:' + port + path, { method: 'POST' })
appendFileSync('asked.log', path + '\\n')
process.exit(ok ? 0 : 1)
`
const by = (path: string) =>
  `[${JSON.stringify(process.execPath)}, ask.mjs, "{pid}", "{port}", ${path}]`
const environment = `{ provider: process, command: ${command}, gpus: 1, ready: { path: /healthz, within: 5s }, stop: { grace: 1s }, sleep: { by: commands, down: ${by('/sleep')}, up: ${by('/wake_up')} } }`
let beryl: Running

before(async () => {
  // Two slots: for what is live, and for its standby.
  process.env['BERYL_GPUS'] = '0,1'
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' }, w1: { answer: 'other' } },
    files: { 'ask.mjs': program },
    manifest: `apiVersion: beryl/v1
gateway: { listen: 127.0.0.1:0, workers: 1 }
api: { listen: 127.0.0.1:0 }
services:
  tiny:
    environment: ${environment}
    versions: { v1: { model: v1.json }, v2: { model: v2.json } }
    verify: [{ goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 } }]
    watch: { atLeast: 0s, atMost: 1s, whenUndecided: accept }
    standby: [{ asleep: 10m }]
  rank:
    route: { path: /rank }
    environment: ${environment}
    versions: { w1: { model: w1.json } }
    switch: { when: verified }
  huge:
    route: { path: /huge }
    environment: ${environment.replace('gpus: 1', 'gpus: 2, replicas: 2')}
    versions: { w1: { model: w1.json } }
`,
  })
})

after(async () => {
  delete process.env['BERYL_GPUS']
  assert.equal(await beryl.stop(), 0)
})

test('a rollback takes the slot back: the candidate on it is rejected by name, and the standby wakes', async () => {
  await beryl.deployed('v1')
  const { id } = await beryl.deploy('v2')
  const asleep = 'the standby: asleep for another'
  await beryl.until(id, ({ waitingFor }) => waitingFor?.startsWith(asleep) === true, 'asleep')
  const other = await beryl.api<ReleaseView>('POST', '/services/rank/releases', { version: 'w1' })
  await beryl.api('POST', `/releases/${other.id}/approve`, {})
  const held = ({ waitingFor }: ReleaseView) =>
    waitingFor?.startsWith('GPU slots of its own') === true
  await beryl.until(other.id, held, 'held back')
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(
    out,
    new RegExp(`its GPU slots are leased to ${other.id} of rank, which a rollback ends`),
  )

  await beryl.api('POST', '/services/tiny/rollback', { reason: 'it answers rudely' })
  await beryl.until(id, ({ phase }) => phase === 'rolled-back', 'rolled back')
  const ended = await beryl.until(other.id, ({ phase }) => phase === 'rejected', 'rejected')
  assert.match(
    ended.because!,
    new RegExp(`leased from tiny, and the rollback of ${id} called them back`),
  )
  assert.equal((await beryl.service()).live?.version, 'v1')
  const asked = readFileSync(join(beryl.directory, 'asked.log'), 'utf8').trim().split('\n')
  assert.deepEqual([asked.at(-2), asked.at(-1)], ['/sleep', '/wake_up'])
  await eventually(
    async () => (await fetch(`${beryl.gateway}/version`)).status === 200,
    () => 'v1 to answer',
  )
})

test('where two environments do not fit, that is said before anything is started, with what still protects', async () => {
  const { out } = await beryl.cli('plan', 'tiny', 'v2', '--gpus', '1', '--traffic', 'x2')
  assert.match(out, /if it were: traffic x2, 1 GPU slots/)
  assert.match(out, /room +TOO FEW: 1 GPU slots are needed, 0 of 1 are free/)
  assert.match(out, /standby +cost of 10 min +all is back after/)
  // What was drilled, and what the last move took.
  assert.match(out, /asleep \* .*\(drills\)/)
  assert.match(out, /blue-green .*never seen|blue-green +\d/)
  const refused = await beryl.cli('deploy', 'huge', 'w1')
  assert.equal(refused.code, 1)
  assert.match(
    refused.err,
    /needs 4 GPU slots, 1 of 2 are free \(r\d of tiny: \d\): nothing was started/,
  )
  assert.match(refused.err, /1\. a smaller candidate.*\n *2\. replica by replica.*\n *3\. swap/)
  // Half of it does not fit either: each of its replicas needs two.
  assert.doesNotMatch(refused.err, /--replicas/)
  assert.match((await beryl.cli('plan', 'huge', 'w1', '--gpus', '4')).out, /--replicas 1/)
})
