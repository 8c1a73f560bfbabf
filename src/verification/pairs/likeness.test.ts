/** Another model says how alike texts are: what it says counts, and what it does not say is never a pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { capturedOf } from '../capture/captured.ts'
import { redactorOf } from '../capture/redact.ts'
import { tappedOf } from '../capture/testing.ts'
import type { Likeness } from '../gate.ts'
import { nobody, userServer } from '../hooks/testing.ts'
import { replay } from '../replay/replay.ts'
import { calm, model, replaySpec, target } from '../testing.ts'
import { openTokenCount } from '../token-count.ts'
import { likenessOf } from './likeness.ts'

const calmly = { over: new AbortController().signal, tokens: openTokenCount() }
const embedder = (url: string): Likeness => ({
  kind: 'embedding',
  url: `${url}/v1`,
  model: 'e-1',
  headers: { authorization: 'Bearer t' },
  timeoutS: 2,
})

/** Texts about cats point one way, all others another; some requests are answered with `broken`. */
async function embeddings(context: TestContext, broken: (nth: number) => string | null) {
  return userServer(context, (response, { body }, nth) => {
    const { input } = JSON.parse(body) as { input: string[] }
    const data = input.map((text, index) => ({
      index,
      embedding: /cat|feline/.test(text) ? [1, 0.1] : [0, 2],
    }))
    response.end(broken(nth) ?? JSON.stringify({ data: data.toReversed() }))
  })
}

test('by embeddings: the cosine of each pair, in one request', async (context) => {
  const server = await embeddings(context, () => null)
  const found = await likenessOf(
    embedder(server.url),
    [
      ['a cat', 'a feline'],
      ['a cat', 'a stone'],
    ],
    calmly,
  )
  assert.ok(Math.abs(found[0]! - 1) < 1e-9 && found[1]! < 0.2, String(found))
  const [asked] = server.asked
  assert.equal(server.asked.length, 1)
  assert.equal(asked!.url.pathname, '/v1/embeddings')
  assert.equal(asked!.headers.authorization, 'Bearer t')
  assert.deepEqual(JSON.parse(asked!.body), {
    model: 'e-1',
    input: ['a cat', 'a feline', 'a stone'],
    encoding_format: 'float',
  })
})

test('what is no answer of such an endpoint is said, and no likeness', async (context) => {
  const pair = [['a cat', 'a stone']] as const
  for (const [body, says] of [
    ['sorry', /must answer 2 embeddings of one length, and says: sorry/],
    ['{"data":[{"index":0,"embedding":[1]}]}', /must answer 2 embeddings/],
    ['{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}', /must answer 2/],
    ['{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,2]}]}', /of one length/],
    ['{"data":[{"index":0,"embedding":[0]},{"index":1,"embedding":[0]}]}', /must answer 2/],
  ] as const) {
    const server = await embeddings(context, () => body)
    await assert.rejects(likenessOf(embedder(server.url), pair, calmly), says)
  }
  await assert.rejects(
    likenessOf(embedder(await nobody()), pair, calmly),
    /the embedding endpoint http:.* failed: no answer/,
  )
})

test('by a judge, in its fixed form', async (context) => {
  let content = '{"because":"both praise","score":0.9}'
  const server = await userServer(context, (response) =>
    response.end(JSON.stringify({ choices: [{ message: { content } }] })),
  )
  const rules: Likeness = { ...embedder(server.url), kind: 'judge', rubric: 'Same advice?' }
  assert.deepEqual(await likenessOf(rules, [['a', 'b']], calmly), [0.9])
  const { messages } = JSON.parse(server.asked[0]!.body) as { messages: { content: string }[] }
  assert.match(messages[0]!.content, /Same advice\?/)
  assert.equal(messages[1]!.content, '{"first":"a","second":"b"}')
  content = 'They are the same.'
  await assert.rejects(likenessOf(rules, [['a', 'b']], calmly), /the judge .* says: They are/)
})

async function replayed(
  context: TestContext,
  says: string,
  { broken = () => null, url }: { broken?: (nth: number) => string | null; url?: string },
) {
  const endpoint = await embeddings(context, broken)
  const answering = (text: string) => () => ({ raw: JSON.stringify({ text }) })
  const [own, other] = [
    await model(context, answering(says)),
    await model(context, answering('the cat sat upon the mat')),
  ]
  const redactor = redactorOf({ paths: [], headers: [], patterns: [] })
  const records = Array.from({ length: 600 }, (_, nth) =>
    capturedOf(tappedOf({ body: `{"text":"${nth}"}`, at: 1000 + nth }), redactor)!,
  )
  return replay(
    replaySpec({
      requests: 600,
      how: { protocol: 'json', ignore: [], tolerances: [], text: { similar: 0.9 } },
      likeness: embedder(url ?? endpoint.url),
      noWorseBy: 0.02,
    }),
    { service: 'tiny', candidate: target('v2', own), live: target('v1', other) },
    { newest: async () => records },
    calm(),
  )
}

test('other words for the same pass, other things fail', async (context) => {
  const same = await replayed(context, 'a feline rests over there today', {})
  assert.equal(same.verdict, 'pass', same.because)
  const other = await replayed(context, 'stones are what roofs need most', {})
  assert.equal(other.verdict, 'fail', other.because)
})

test('what the endpoint does not answer is undecided and counted: no pass, and no failure either', async (context) => {
  const words = 'a feline rests over there today'
  const some = await replayed(context, words, { broken: (nth) => (nth % 20 === 0 ? 'oh' : null) })
  assert.equal(some.verdict, 'undecided', some.because)
  assert.match(some.because, /30 pairs are undecided \(last: the embedding endpoint .* failed/)
  assert.equal((some.evidence as { inputs: { undecided: number } }).inputs.undecided, 30)
  const all = await replayed(context, words, { broken: () => 'oh' })
  assert.equal(all.verdict, 'undecided', all.because)
  assert.match(all.because, /600 pairs are undecided/)
})
