/** Drills with real processes: a standby that was quietly broken is found before anybody needs it. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { eventually, startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

let beryl: Running
let release = ''
const inTheWay = createServer()

before(async () => {
  beryl = await startBeryl({
    models: { v1: { answer: 'one' }, v2: { answer: 'two' } },
    environment: '      sleep: { by: paths, sleep: /sleep, wake: /wake_up }\n',
    service: `
    verify:
      - goldenSet: { file: golden.jsonl, request: { path: /predict }, answer: $.label, atLeast: 0.9 }
    watch: { atLeast: 0s, atMost: 10m, errors: { margin: 20%, atMost: 20% } }
    standby: [{ full: 1s }, { asleep: 10m }]
    drill: { every: 1s }
`,
  })
  await beryl.deployed('v1')
  release = await beryl.deployed('v2')
})

after(async () => {
  inTheWay.close()
  assert.equal(await beryl.stop(), 0)
})

const standby = async () => {
  const { environments } = await beryl.service()
  return Object.values(environments).find(({ role }) => role === 'standby')!.replicas[0]!
}
const scrape = async () => {
  const headers = { authorization: `Bearer ${beryl.token}` }
  return (await fetch(`${beryl.apiUrl}/metrics`, { headers })).text()
}
const wayBack = async () => (await beryl.service()).wayBack
/** A drill that began after this. */
async function drilledAfter(at: number): Promise<void> {
  const isDrilled = async () => {
    const { rung, drilledAt, drillFailed } = await wayBack()
    return rung === 'asleep' && drillFailed === null && (drilledAt ?? 0) > at
  }
  await eventually(isDrilled, () => 'a drill')
}
async function asleep() {
  await eventually(
    async () => (await standby()).state === 'asleep',
    () => 'it to be asleep',
  )
  return standby()
}

test('the way back is drilled again and again, and status and metrics say when and how it went', async () => {
  await drilledAfter(0)
  await drilledAfter((await wayBack()).drilledAt!)
  const { out } = await beryl.cli('status', 'tiny')
  assert.match(
    out,
    /way back +asleep, \d+\.\d s to full capacity, last drill \d+ s ago, ok \(v1 is asleep/,
  )
  const metrics = await scrape()
  assert.match(metrics, /beryl_standby_info{.*rung="asleep"} 1/)
  assert.match(metrics, /beryl_way_back_drill_ok{service="tiny"} 1/)
  assert.match(metrics, /beryl_way_back_seconds{service="tiny"} \d/)
})

test('one that was killed, and whose port was taken, is back and drilled on another port', async () => {
  const { pid, address } = await asleep()
  process.kill(pid!, 'SIGKILL')
  await new Promise<void>((resolve) => {
    const take = () => inTheWay.listen(Number(address.split(':')[1]), '127.0.0.1', resolve)
    // The port is free once the process is gone.
    inTheWay.on('error', () => setTimeout(take, 5))
    take()
  })
  await drilledAfter(Date.now())
  const now = await asleep()
  assert.notEqual(now.pid, pid)
  assert.notEqual(now.address, address)
})

test('one whose model file is gone fails its drill: that is an alarm, and the ladder stands still', async () => {
  rmSync(join(beryl.directory, 'v1.json'))
  await beryl.until(
    release,
    ({ waitingFor }) =>
      waitingFor?.startsWith('`resume`: beryl paused it: the drill failed') === true,
    'stopped by its drill',
  )
  const { drillFailed, rung } = await wayBack()
  assert.equal(rung, 'full')
  assert.match(drillFailed!, /0 of 1 replicas of v1 were ready/)
  const { out } = await beryl.cli('explain', release)
  assert.match(out, /the drill failed/)
  const metrics = await scrape()
  assert.match(metrics, /beryl_way_back_drill_ok{service="tiny"} 0/)
  const { live } = await beryl.service()
  assert.equal(live?.version, 'v2')
})
