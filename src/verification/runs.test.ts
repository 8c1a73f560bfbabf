import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProblemError } from '../ipc/problem.ts'
import type { GateAnswer, GateRun } from './gate.ts'
import { openRuns } from './runs.ts'
import {
  eventually,
  goldenFile,
  goldenSpec,
  labelled,
  model,
  noTraffic,
  right,
  target,
  warmUpSpec,
} from './testing.ts'

const key = (attempt = 1, release = 'r1') => ({
  release,
  gate: 'goldenSet',
  attempt: String(attempt),
})

function decided(runs: ReturnType<typeof openRuns>, at = key()) {
  return eventually((): Extract<GateAnswer, { state: 'decided' }> | null => {
    const answer = runs.look(at)
    return answer?.state === 'decided' ? answer : null
  }, 'a verdict')
}

test('asking again for the same attempt runs nothing again; another attempt does', async (context) => {
  const golden = await goldenFile(context, labelled(4))
  const server = await model(context, right)
  const asked: GateRun = {
    service: 'tiny',
    spec: goldenSpec({ ...golden, atLeast: 0.5 }),
    candidate: target('v2', server),
    live: null,
  }
  const runs = openRuns(noTraffic)
  assert.equal(runs.look(key()), null)
  assert.equal(runs.start(key(), asked).state, 'running')
  runs.start(key(), asked)
  assert.equal((await decided(runs)).verdict, 'pass')
  assert.equal(runs.start(key(), asked).state, 'decided')
  assert.equal(server.asked.length, 4)
  runs.start(key(2), asked)
  assert.equal((await decided(runs, key(2))).verdict, 'pass')
  assert.equal(server.asked.length, 8)
})

test('a gate whose time is over is undecided, and limits with fractions of a millisecond are limits', async (context) => {
  const server = await model(context, () => 'hang')
  const runs = openRuns(noTraffic)
  runs.start(key(), {
    service: 'tiny',
    spec: warmUpSpec({ withinS: 0.1005 }),
    candidate: target('v2', server),
    live: null,
  })
  const { verdict, because } = await decided(runs)
  assert.equal(verdict, 'undecided')
  assert.match(because, /^not done within 0\.1005 s/)
})

test('a limit of a month is not over at once', async (context) => {
  const server = await model(context, right)
  const runs = openRuns(noTraffic)
  const spec = warmUpSpec({ withinS: 30 * 86_400 })
  runs.start(key(), { service: 'tiny', spec, candidate: target('v2', server), live: null })
  assert.equal((await decided(runs)).verdict, 'pass')
})

test('a candidate without a replica, and a gate that throws, are undecided', async (context) => {
  const server = await model(context, right)
  const runs = openRuns(noTraffic)
  const spec = goldenSpec({ file: '/nowhere/golden.jsonl', digest: '', atLeast: 0 })
  runs.start(key(1), {
    service: 'tiny',
    spec,
    candidate: { version: 'v2', environment: 'green', addresses: [] },
    live: null,
  })
  assert.match((await decided(runs, key(1))).because, /no ready replica/)
  runs.start(key(2), { service: 'tiny', spec, candidate: target('v2', server), live: null })
  const { verdict, because } = await decided(runs, key(2))
  assert.equal(verdict, 'undecided')
  assert.match(because, /cannot read the golden set \/nowhere\/golden\.jsonl/)
})

test('cancelling ends the runs of one release, and of no other', async (context) => {
  const server = await model(context, () => 'hang')
  const runs = openRuns(noTraffic)
  const asked: GateRun = {
    service: 'tiny',
    spec: warmUpSpec(),
    candidate: target('v2', server),
    live: null,
  }
  runs.start(key(1, 'r1'), asked)
  runs.start(key(1, 'r11'), asked)
  runs.cancel('r1')
  const { verdict, because } = await decided(runs, key(1, 'r1'))
  assert.equal(verdict, 'undecided')
  assert.match(because, /^it was cancelled/)
  assert.equal(runs.look(key(1, 'r11'))?.state, 'running')
  runs.cancelAll()
  assert.match((await decided(runs, key(1, 'r11'))).because, /^the examiner stops/)
})

test('a gate that would pass when it is already over does not', async (context) => {
  const golden = await goldenFile(context, labelled(4))
  const server = await model(context, right)
  const runs = openRuns(noTraffic)
  const candidate = {
    environment: 'green',
    addresses: [server.address],
    // Read when all answers are in and the verdict is being worded.
    get version() {
      runs.cancel('r1')
      return 'v2'
    },
  }
  runs.start(key(), {
    service: 'tiny',
    spec: goldenSpec({ ...golden, atLeast: 0.5 }),
    candidate,
    live: null,
  })
  const { verdict, because } = await decided(runs)
  assert.equal(server.asked.length, 4)
  assert.deepEqual([verdict, because], ['undecided', 'it was cancelled'])
})

test('more than sixteen at a time are refused, and none of those that run suffers', async (context) => {
  const server = await model(context, () => 'hang')
  const runs = openRuns(noTraffic)
  const asked: GateRun = {
    service: 'tiny',
    spec: warmUpSpec(),
    candidate: target('v2', server),
    live: null,
  }
  for (let attempt = 1; attempt <= 16; attempt++) runs.start(key(attempt), asked)
  assert.throws(
    () => runs.start(key(17), asked),
    (error) => error instanceof ProblemError && error.problem.code === 'busy',
  )
  assert.equal(runs.look(key(17)), null)
  assert.equal(runs.look(key(1))?.state, 'running')
  runs.cancelAll()
  await decided(runs, key(16))
})

test('an ended run is forgotten after an hour', async (context) => {
  const runs = openRuns(noTraffic)
  const asked: GateRun = {
    service: 'tiny',
    spec: warmUpSpec(),
    candidate: { version: 'v2', environment: 'green', addresses: [] },
    live: null,
  }
  runs.start(key(1), asked)
  await decided(runs, key(1))
  runs.start(key(2), asked)
  assert.notEqual(runs.look(key(1)), null)
  context.mock.method(Date, 'now', () => performance.timeOrigin + performance.now() + 3_700_000)
  runs.start(key(3), asked)
  assert.equal(runs.look(key(1)), null)
})
