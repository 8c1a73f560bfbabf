/** Recorded requests to both versions: judged in pairs by what live answers now. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { capturedOf } from '../capture/captured.ts'
import type { Captured } from '../capture/captured.ts'
import { redactorOf } from '../capture/redact.ts'
import { tappedOf } from '../capture/testing.ts'
import type { Told } from '../capture/testing.ts'
import { calm, labelled, model, replaySpec, right, target } from '../testing.ts'
import type { Behaviour } from '../testing.ts'
import { replay } from './replay.ts'

const redactor = redactorOf({ paths: [], headers: [], patterns: [] })
const begun = 1_800_000_000_000

function recorded(count: number, told: (nth: number) => Told = () => ({})): Captured[] {
  return labelled(count).map(({ request }, nth) =>
    capturedOf(
      tappedOf({
        body: JSON.stringify(request),
        // What live answered then counts for nothing.
        answer: '{"label":"as it was"}',
        at: begun + nth,
        ...told(nth),
      }),
      redactor,
    )!,
  )
}

type Setup = {
  records: readonly Captured[]
  candidate?: (input: { text?: string }, count: number) => Behaviour
  live?: (input: { text?: string }, count: number) => Behaviour
  spec?: Parameters<typeof replaySpec>[0]
}

async function run(context: TestContext, { records, candidate, live, spec }: Setup) {
  const [own, other] = [
    await model(context, candidate ?? right),
    await model(context, live ?? right),
  ]
  const sides = { service: 'tiny', candidate: target('v2', own), live: target('v1', other) }
  const captures = { newest: async (_: string, count: number) => records.slice(-count) }
  const verdict = await replay(replaySpec(spec), sides, captures, calm())
  return { ...verdict, candidate: own, live: other }
}

test('an equal version passes; each record is asked of both, and of live again for the share that was asked for', async (context) => {
  const { verdict, because, candidate, live } = await run(context, { records: recorded(300) })
  assert.equal(verdict, 'pass', because)
  assert.equal(candidate.asked.length, 300)
  assert.ok(live.asked.length > 310 && live.asked.length < 420, `${live.asked.length}`)
  assert.ok(candidate.asked.every(({ test: purpose }) => purpose === 'replay'))
  assert.ok(live.asked.every(({ headers }) => headers['beryl-copy'] === '1'))
})

test('a version that answers otherwise fails before all records were asked', async (context) => {
  const { verdict, because, candidate, evidence } = await run(context, {
    records: recorded(2000),
    candidate: (input, count) => (count % 5 === 0 ? { label: 'wrong' } : right(input)),
    spec: { requests: 2000, liveAgain: 1 },
  })
  assert.equal(verdict, 'fail', because)
  assert.ok(candidate.asked.length < 2000)
  assert.ok((evidence as { examples: unknown[] }).examples.length > 0)
})

test('without a capture, or with too few records, nothing is decided, and what to do is said', async (context) => {
  const none = await run(context, { records: [] })
  assert.equal(none.verdict, 'undecided')
  assert.match(none.because, /nothing is recorded: give services\.tiny\.capture and wait/)
  const few = await run(context, { records: recorded(299) })
  assert.equal(few.verdict, 'undecided')
  assert.match(few.because, /299 of the 300 requests .* are recorded: wait for traffic/)
  // A record of another day, or of another Beryl: what may be copied today is what counts.
  const records = recorded(300, (nth) => (nth === 7 ? { target: '/admin/x' } : {}))
  const unsafe = await run(context, { records })
  assert.equal(unsafe.verdict, 'undecided')
  assert.equal(unsafe.candidate.asked.length + unsafe.live.asked.length, 0)
})

test('what was taken out of a record is not sent; the gate’s own headers are', async (context) => {
  const headers = { 'content-type': 'application/json', authorization: 'Bearer x', 'x-a': '1' }
  const { candidate } = await run(context, {
    records: recorded(20, () => ({ headers })),
    spec: { requests: 20, headers: { Authorization: 'Bearer test', 'X-A': '2' } },
  })
  assert.ok(
    candidate.asked.every(
      ({ headers: sent }) => sent['authorization'] === 'Bearer test' && sent['x-a'] === '2',
    ),
  )
  const plain = await run(context, {
    records: recorded(5, () => ({ headers })),
    spec: { requests: 5 },
  })
  assert.equal(plain.candidate.asked[0]!.headers['authorization'], undefined)
})

test('requests keep their distances, at the speed that was asked for, and what cannot end in time does not begin', async (context) => {
  const records = recorded(5, (nth) => ({ at: begun + nth * 200 }))
  const took = async (speed: number | null) => {
    const from = performance.now()
    await run(context, { records, spec: { requests: 5, speed } })
    return performance.now() - from
  }
  const [asRecorded, twice, fast] = [await took(1), await took(2), await took(null)]
  assert.ok(asRecorded >= 790 && twice >= 390 && twice < asRecorded && fast < 350)
  const long = recorded(5, (nth) => ({ at: begun + nth * 60_000 }))
  const { verdict, because, candidate } = await run(context, {
    records: long,
    spec: { requests: 5, speed: 1 },
  })
  assert.equal(verdict, 'undecided')
  assert.match(because, /the records span 240 s at this speed, and the gate has 20 s/)
  assert.equal(candidate.asked.length, 0)
})

test('a live version that fails now is no measure', async (context) => {
  const { verdict, because } = await run(context, {
    records: recorded(300),
    live: (input, count) => (count % 4 === 0 ? 'close' : right(input)),
  })
  assert.equal(verdict, 'undecided')
  assert.match(because, /no measure/)
})

test('called off while it waits for the next request, it ends at once', async (context) => {
  const own = await model(context, right)
  const sides = { service: 'tiny', candidate: target('v2', own), live: target('v1', own) }
  const records = recorded(5, (nth) => ({ at: begun + nth * 4000 }))
  const abort = new AbortController()
  const verdict = replay(
    replaySpec({ requests: 5, speed: 1 }),
    sides,
    { newest: async () => records },
    { signal: abort.signal, progress: () => abort.abort(new Error('it was cancelled')) },
  )
  const { verdict: said, because } = await verdict
  assert.equal(said, 'undecided')
  assert.match(because, /^it was cancelled: 1 of 5 records were compared/)
})

test('a model goes by another name in each version: copies name it as the version that is asked, and the verdict says so', async (context) => {
  const named =
    (own: string) =>
    (input: { text?: string; model?: string }): Behaviour =>
      input.model === own ? right(input) : { status: 404, raw: '{}' }
  const [own, other] = [await model(context, named('w-2')), await model(context, named('w-1'))]
  const records = labelled(300).map(({ request }, nth) =>
    capturedOf(
      tappedOf({
        body: JSON.stringify({ ...request, model: nth % 2 ? 'w-1' : 'w-2' }),
        at: begun + nth,
      }),
      redactor,
    )!,
  )
  const renames = (from: string, to: string) => ({
    protocol: 'openai' as const,
    from: { model: from, version: null },
    to: { model: to, version: null },
  })
  const candidate = target('v2', own)
  const live = target('v1', other)
  const captures = { newest: async () => records }
  const { verdict, because, evidence } = await replay(
    replaySpec(),
    {
      service: 'tiny',
      candidate: { ...candidate, renames: renames('w-1', 'w-2') },
      live: { ...live, renames: renames('w-2', 'w-1') },
    },
    captures,
    calm(),
  )
  assert.equal(verdict, 'pass', because)
  assert.match(because, /150 requests name w-1 and were asked of it as w-2: clients must do so too/)
  assert.equal((evidence as { renamed: { requests: number } }).renamed.requests, 150)
  const asTheyAre = { service: 'tiny', candidate, live }
  assert.notEqual((await replay(replaySpec(), asTheyAre, captures, calm())).verdict, 'pass')
})

test('tokens of both versions are counted as their answers say; answers that do not say are named', async (context) => {
  const choices = [{ index: 0, message: { content: 'a' }, finish_reason: 'stop' }]
  const usage = { prompt_tokens: 5, completion_tokens: 2 }
  const { evidence } = await run(context, {
    records: recorded(20),
    candidate: () => ({ raw: JSON.stringify({ choices, usage }) }),
    live: (_, count) => ({ raw: JSON.stringify({ choices, ...(count === 1 ? {} : { usage }) }) }),
    spec: { requests: 20, liveAgain: 0, how: { ...replaySpec().how, protocol: 'openai' } },
  })
  assert.deepEqual((evidence as { tokens: object }).tokens, {
    asked: 39 * 5,
    written: 39 * 2,
    estimated: 0,
    askedNotKnown: 1,
    writtenNotKnown: 1,
  })
})
