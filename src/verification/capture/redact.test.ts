/** What must not be kept is not kept, wherever and however it is spelled: planted in random exchanges, looked for on the disk. */
import assert from 'node:assert/strict'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { directory } from '../testing.ts'
import { bytesOf } from './captured.ts'
import type { Body } from './captured.ts'
import { openCaptures } from './captures.ts'
import { cutOut } from './cut-out.ts'
import { redactorOf } from './redact.ts'
import type { RedactRules } from './redact.ts'
import { tappedOf } from './testing.ts'
import type { Told } from './testing.ts'

const rules: RedactRules = {
  paths: ['$.messages[*].content.email', '$.user', '$.answer.name'],
  headers: ['X-Patient'],
  patterns: ['sk-[a-z0-9]{16}', '\\b\\d{13,16}\\b'],
}
const settings = { share: 1, keepS: 3600, atMostBytes: 64 * 1024 * 1024, redact: rules }

const redact = (
  body: string | Buffer,
  type = 'application/json',
  some: Partial<RedactRules> = {},
) =>
  redactorOf({ ...rules, ...some })
    .body(Buffer.from(body), type)
    ?.toString()

/** By place only: it follows no pattern. */
const hidden = fc.stringMatching(/^SECRET[A-Z]{12}$/)
const key = fc.stringMatching(/^sk-[a-z0-9]{16}$/)
const card = fc.bigInt({ min: 10n ** 12n, max: 9n * 10n ** 15n }).map(Number)

/** Every character as JSON may spell it too. */
const spelledOut = (text: string) =>
  JSON.stringify(text).replaceAll(
    /[a-z0-9-]/gi,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Any JSON with these somewhere in it, as values and as names. */
const around = (secrets: readonly unknown[]) =>
  fc.tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(6)).map(([rest, depth]) => {
    let nested: unknown = { rest, secrets, [`named ${String(secrets[0])}`]: [secrets] }
    for (let level = 0; level < depth; level++)
      nested = level % 2 === 0 ? { text: `see ${String(secrets[0])}!`, nested } : [nested]
    return nested
  })

const planted = fc.record({ hidden, key, card }).chain(({ hidden, key, card }) =>
  fc.record({
    secrets: fc.constant([hidden, key, String(card)]),
    told: fc
      .record({
        free: around([key, card, String(card)]),
        escape: fc.boolean(),
        cuts: fc.array(fc.nat(18), { maxLength: 5 }),
      })
      .map(({ free, escape, cuts }) => exchangeWith({ hidden, key, card, free, escape, cuts })),
  }),
)

type Planted = {
  hidden: string
  key: string
  card: number
  free: unknown
  escape: boolean
  cuts: number[]
}

function exchangeWith({ hidden, key, card, free, escape, cuts }: Planted): Told[] {
  const asked = JSON.stringify({
    user: { id: hidden, card },
    messages: [
      { content: { email: hidden, text: `my key is ${key}` } },
      { content: { email: [hidden] } },
    ],
    free,
  })
  const answer = JSON.stringify({ answer: { name: hidden, says: key }, free })
  const escaped = (text: string) =>
    escape
      ? text
          .replaceAll(JSON.stringify(hidden), spelledOut(hidden))
          .replaceAll(key, spelledOut(key).slice(1, -1))
      : text
  const headers = {
    'content-type': 'application/json',
    Authorization: `Bearer ${hidden}`,
    Cookie: `session=${hidden}`,
    'x-patient': hidden,
    'X-API-Key': hidden,
    'x-note': `key ${key}, card ${card}`,
  }
  const answerHeaders = { 'content-type': 'application/json', 'Set-Cookie': `s=${hidden}` }
  const target = `/predict/${key.replace('s', '%73')}?key=${encodeURIComponent(key)}&card=${card}`
  const whole = { target, headers, answerHeaders, body: escaped(asked), answer: escaped(answer) }
  // A model that says the key token by token, to two askers at once.
  const places = [
    0,
    ...cuts.filter((cut) => cut < key.length).toSorted((a, b) => a - b),
    key.length,
  ]
  const events = places
    .slice(1)
    .flatMap((end, at) => [
      { choices: [{ index: 0, delta: { content: key.slice(places[at], end) } }] },
      { choices: [{ index: 1, delta: { content: ` ${at} ` } }] },
    ])
  const stream =
    events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('') + 'data: [DONE]\n\n'
  return [
    whole,
    {
      ...whole,
      answer: stream,
      answerHeaders: { ...answerHeaders, 'content-type': 'text/event-stream' },
    },
    {
      ...whole,
      answer: gzipSync(escaped(answer)),
      answerHeaders: { ...answerHeaders, 'content-encoding': 'gzip' },
    },
    // Neither JSON nor a stream: the paths lead nowhere.
    { ...whole, answer: `${asked} and ${hidden}`, answerHeaders: { 'content-type': 'text/plain' } },
    { ...whole, body: Buffer.concat([Buffer.from(asked), Buffer.from([0xff])]) },
    { ...whole, body: `${asked.slice(0, -1)}, "user": "${hidden}"}` },
  ]
}

test('a planted secret is never on the disk, nor in what is listed and exported', async (context) => {
  const home = await directory(context)
  const captures = openCaptures(join(home, 'captures'))
  context.after(() => captures.close())
  captures.configure({ tiny: settings })
  await fc.assert(
    fc.asyncProperty(planted, async ({ secrets, told }) => {
      for (const one of told) captures.exchange(tappedOf(one))
      await captures.settled()
      const { records, next } = await captures.page('tiny', null)
      assert.ok(records.length >= 3 && next !== null)
      const said = JSON.stringify([records, await captures.state('tiny')])
      const streamed = records.map(({ answer }) => saidBy(answer.body)).join('\n')
      const kept = (await filesIn(join(home, 'captures', 'tiny'))).join('')
      for (const secret of secrets)
        for (const form of [secret, Buffer.from(secret).toString('base64').slice(2, -4)])
          assert.ok(
            !said.includes(form) && !kept.includes(form) && !streamed.includes(form),
            `${form} was kept`,
          )
      await captures.purge('tiny')
    }),
    { numRuns: 150 },
  )
  const { dropped } = await captures.state('tiny')
  assert.ok(dropped['cannot-be-redacted']! > 0)
})

test('what the rules do not mean stays as it was', () => {
  const body = '{"messages": [{"content": {"text": "hello", "email": "a@b"}}], "n": 1.50}'
  assert.equal(
    redact(body),
    '{"messages":[{"content":{"text":"hello","email":"[redacted]"}}],"n":1.5}',
  )
  assert.equal(redact(body, '', { paths: [], patterns: [] }), body)
  assert.equal(redact('{"user":null}'), '{"user":"[redacted]"}')
  assert.equal(redact('{"__proto__":{"user":1},"a":[]}'), '{"__proto__":{"user":1},"a":[]}')
})

test('a rule that cannot be followed in a body is said, and nothing of that body given', () => {
  assert.equal(redact('plain text', 'text/plain'), undefined)
  assert.equal(redact('plain text', 'text/plain', { paths: [] }), 'plain text')
  assert.equal(redact(Buffer.from([0xff, 0xfe])), undefined)
  assert.equal(redact(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), undefined)
  assert.equal(redact('data: {"user": "x"\n\n', 'text/event-stream'), undefined)
  assert.equal(redact('{"a":1}\nuser x\n', 'application/x-ndjson'), undefined)
  assert.throws(() => redactorOf({ ...rules, paths: ['$..email'] }), /descendants/)
  assert.throws(() => redactorOf({ ...rules, patterns: ['('] }), SyntaxError)
})

test('a form and a query are read as they are meant, not as they are spelled', () => {
  const target = (text: string) => redactorOf(rules).target(text)
  assert.equal(target('/x?key=sk%2Dabcdefgh12345678&b=1+2'), '/x?key=%5Bredacted%5D&b=1+2')
  const form = redact('key=sk%2dabcdefgh12345678&x=%20', 'application/x-www-form-urlencoded', {
    paths: [],
  })
  assert.equal(form, 'key=%5Bredacted%5D&x=%20')
})

test('equal values can be told from others where the mark says so, and nothing else of them', () => {
  const redactor = redactorOf(rules, (value) => `[${value.length}]`)
  assert.equal(redactor.body(Buffer.from('{"user":"abc"}'), '')?.toString(), '{"user":"[5]"}')
})

test('what fits is cut out of a text in pieces, and the mark goes where it began', () => {
  const cut = (pieces: string[]) => cutOut(pieces, [/secret/gu, /x+/gu], () => '*')
  assert.deepEqual(cut(['a s', 'ecr', 'et!', 'b']), ['a *', '', '!', 'b'])
  assert.deepEqual(cut(['secretsecret', 'x']), ['**', '*'])
  assert.deepEqual(cut(['', 'none', '']), ['', 'none', ''])
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[secrt]{0,5}$/)), (pieces) => {
      assert.equal(cut(pieces).join(''), pieces.join('').replaceAll('secret', '*'))
    }),
  )
})

/** What each asker of a stream was told, put together. */
function saidBy(body: Body): string {
  const events = [
    ...bytesOf(body)
      .toString()
      .matchAll(/^data: (\{.*\})$/gm),
  ].map(
    ([, json]) =>
      JSON.parse(json!) as { choices?: { index: number; delta: { content: string } }[] },
  )
  const choices = events.flatMap(({ choices = [] }) => choices)
  return [0, 1]
    .map((asker) =>
      choices
        .filter(({ index }) => index === asker)
        .map(({ delta }) => delta.content)
        .join(''),
    )
    .join('\n')
}

async function filesIn(home: string): Promise<string[]> {
  const names = await readdir(home)
  return Promise.all(
    names.map(async (name) => {
      assert.equal((await stat(join(home, name))).mode & 0o777, 0o600)
      return readFile(join(home, name), 'utf8')
    }),
  )
}
