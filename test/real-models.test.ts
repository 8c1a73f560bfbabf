/**
 * What a release is verified for, on the examples' real models: a better version passes, each that is healthy and bad is caught by the
 * gate that should catch it, an equal one passes every gate ten times out of ten, and two runs of one language model are no
 * regression. Gates run as the examiner runs them, against servers on real sockets.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Verdict } from '../src/release/release.ts'
import { capturedOf } from '../src/verification/capture/captured.ts'
import type { Captured } from '../src/verification/capture/captured.ts'
import { redactorOf } from '../src/verification/capture/redact.ts'
import { tappedOf } from '../src/verification/capture/testing.ts'
import { compatibility } from '../src/verification/compatibility/compatibility.ts'
import type { Target } from '../src/verification/gate.ts'
import { goldenSet } from '../src/verification/golden-set/golden-set.ts'
import { replay } from '../src/verification/replay/replay.ts'
import { shadow } from '../src/verification/shadow/shadow.ts'
import type { TapListener } from '../src/verification/tap/hear.ts'
import {
  calm,
  eventually,
  goldenSpec,
  replaySpec,
  shadowSpec,
} from '../src/verification/testing.ts'
import { freePorts } from './support/theirs.ts'

const examples = join(import.meta.dirname, '..', 'examples')
const directory = mkdtempSync(join(tmpdir(), 'beryl-real-'))

type Model = { ngrams: number[] }
type Langid = {
  loadModel: (directory: string) => Model
  classify: (model: Model, text: string) => { language: string; confidence: number }
}
/** The examples are checked by rules of their own. */
const example = async <Exports>(file: string) =>
  (await import(pathToFileURL(join(examples, file)).href)) as Exports
const { classify, loadModel } = await example<Langid>('langid/model.ts')
const { trainAll } = await example<{ trainAll: (to: string) => void }>('langid/train.ts')
const { makeFaults } = await example<{ makeFaults: (to: string) => void }>(
  'moby-pico/make-faults.ts',
)

const redactor = redactorOf({ paths: [], headers: [], patterns: [] })
const risk = { fail: 1e-6, pass: 0.05 }
const closing: (() => unknown)[] = []

after(async () => {
  for (const close of closing) await close()
  rmSync(directory, { recursive: true, force: true })
})

type Golden = { request: { text: string }; expected: string }
const sentences = readFileSync(join(examples, 'langid/data/golden.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Golden)

/** Every so many-th of them. */
function goldenFile(lines: readonly object[]): { file: string; digest: string } {
  const text = lines.map((line) => JSON.stringify(line)).join('\n')
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
  const file = join(directory, `${digest.slice(7, 20)}.jsonl`)
  writeFileSync(file, text)
  return { file, digest }
}

describe('langid', () => {
  let [v1, v2]: [Model, Model] = [null!, null!]
  before(() => {
    trainAll(directory)
    v1 = loadModel(join(directory, 'v1'))
    v2 = loadModel(join(directory, 'v2'))
  })

  /** Starts, is ready, is fast, and answers in the right form: whatever `answers` says. */
  async function served(version: string, answers: (text: string) => object): Promise<Target> {
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { text } = JSON.parse(body) as { text: string }
        response.setHeader('content-type', 'application/json')
        response.end(JSON.stringify(answers(text)))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const { port } = server.address() as AddressInfo
    return { version, environment: 'green', addresses: [`127.0.0.1:${port}`] }
  }

  const swap = { fr: 'es', es: 'fr' } as Record<string, string>
  const swapped = (text: string) => {
    const { language, confidence } = classify(v2, text)
    return { language: swap[language] ?? language, confidence }
  }
  const folded = (text: string) => classify(v2, text.normalize('NFD').replace(/[^\p{ASCII}]/gu, ''))
  const shortRuns = (text: string) => classify({ ...v2, ngrams: [1, 2] }, text)
  const good = (text: string) => classify(v2, text)
  const old = (text: string) => classify(v1, text)

  const golden = (candidate: Target, live: Target | null, more = {}): Promise<Verdict> =>
    goldenSet(
      goldenSpec({
        ...goldenFile(sentences),
        answer: '$.language',
        atLeast: 0.9,
        noWorseBy: live === null ? null : 0.01,
        ...more,
      }),
      candidate,
      live,
      calm(),
    )

  const examplesOf = ({ evidence }: Verdict) =>
    evidence['examples'] as {
      expected: string
      candidate: string
      live?: string
      request: string
    }[]

  test('a better version passes: the floor, no worse than live, what was stated, and each language', async () => {
    const { verdict, because } = await golden(await served('v2', good), await served('v1', old), {
      expects: 0.993,
      perSlice: { atLeast: 0.9, noWorseBy: 0.02, lines: 20 },
    })
    assert.equal(verdict, 'pass', because)
    assert.match(because, /v2 scores 99\.\d+ % on 1300 inputs, live v1 9[12]\.\d+ %/)
  })

  test('swapped labels: caught by the floor, by live, by what was stated, and by slice, with an example', async () => {
    const [bad, live] = [await served('swapped', swapped), await served('v1', old)]
    const verdict = await golden(bad, live, { atLeast: null, expects: 0.993 })
    assert.equal(verdict.verdict, 'fail')
    assert.match(verdict.because, /what is served is not what was trained/)
    const [example] = examplesOf(verdict)
    assert.equal(example!.candidate, swap[example!.expected])
    assert.equal(example!.live, example!.expected)
    assert.match(example!.request, /"text"/)
    // Half of the evidence is gone where only one slice is looked at as a whole: each by itself shows it.
    const perSlice = { atLeast: 0.5, noWorseBy: null, lines: 20 }
    const slices = await golden(bad, null, { atLeast: 0.8, perSlice })
    assert.match(slices.because, /slice (es|fr) scores \d\.?\d* % on 100.*slice (es|fr) scores/)
  })

  test('input that is folded to ASCII: caught by the floor, and Japanese is named', async () => {
    const verdict = await golden(await served('folded', folded), null)
    assert.equal(verdict.verdict, 'fail')
    assert.match(verdict.because, /at least 90 % is asked .*worst slice: (ja|ko|zh|ru) 0 % of 100/)
    assert.ok(examplesOf(verdict).length > 0)
  })

  test('the wrong n-grams beat live, and are caught by what was stated only', async () => {
    const [bad, live] = [await served('short', shortRuns), await served('v1', old)]
    const noWorse = await golden(bad, live)
    assert.equal(noWorse.verdict, 'pass', noWorse.because)
    const stated = await golden(bad, live, { expects: 0.993 })
    assert.equal(stated.verdict, 'fail')
    assert.match(stated.because, /99\.3 % was stated .* what is served is not what was trained/)
    assert.ok(examplesOf(stated).length > 0)
  })

  const recorded = (lines: readonly Golden[]): Captured[] =>
    lines.map(({ request }, nth) =>
      capturedOf(
        tappedOf({
          target: '/classify',
          body: JSON.stringify(request),
          answer: JSON.stringify(good(request.text)),
          at: 1000 + nth,
        }),
        redactor,
      )!,
    )

  const records = () => recorded(sentences.filter((_, nth) => nth % 4 === 0))
  const sides = (candidate: Target, live: Target) => ({ service: 'langid', candidate, live })

  test('what live answers otherwise is caught on production traffic too, with both answers side by side', async () => {
    const live = await served('v2', good)
    for (const [name, bad, field] of [
      ['swapped', swapped, /language/],
      ['folded', folded, /language/],
    ] as const) {
      const all = records()
      const { verdict, because, evidence } = await replay(
        replaySpec({ requests: all.length, noWorseBy: 0.02, liveAgain: 1 }),
        sides(await served(name, bad), live),
        { newest: async () => all },
        calm(),
      )
      assert.equal(verdict, 'fail', because)
      const [example] = evidence['examples'] as { at: string; live: string; candidate: string }[]
      assert.match(JSON.stringify(evidence['fields']), field)
      assert.notEqual(example!.live, example!.candidate)
    }
  })

  test('a field that clients read and that is gone is caught by compatibility, whatever the labels are', async () => {
    const renamed = await served('renamed', (text) => ({
      lang: good(text).language,
      confidence: 1,
    }))
    const { verdict, because } = await compatible(renamed, await served('v2', good))
    assert.equal(verdict, 'fail')
    assert.match(because, /\$\.language \(string\) is missing/)
  })

  function compatible(candidate: Target, live: Target): Promise<Verdict> {
    return compatibility(
      {
        kind: 'compatibility',
        protocol: 'json',
        requests: 100,
        schema: null,
        ignore: [],
        headers: {},
        copy: { methods: ['POST'], exclude: [] },
        redact: { paths: [], headers: [], patterns: [] },
        timeoutS: 10,
        concurrency: 8,
        withinS: 60,
      },
      sides(candidate, live),
      { newest: async (_, count) => records().slice(-count) },
      calm(),
    )
  }

  test('an equal version passes every gate ten times out of ten', async () => {
    const [candidate, live] = [await served('same', good), await served('v2', good)]
    const some = sentences.filter((_, nth) => nth % 6 === 0)
    const all = recorded(sentences.filter((_, nth) => nth % 4 === 0))
    for (let run = 0; run < 10; run++) {
      const found = {
        golden: await golden(candidate, live, {
          ...goldenFile(some),
          noWorseBy: 0,
          expects: 0.993,
          perSlice: { atLeast: null, noWorseBy: 0, lines: 10 },
        }),
        compatibility: await compatible(candidate, live),
        replay: await replay(
          replaySpec({ requests: all.length, noWorseBy: 0.02, risk, timeoutS: 30 }),
          sides(candidate, live),
          { newest: async () => all },
          calm(),
        ),
        shadow: await shadowed(candidate, live),
      }
      for (const [name, { verdict, because }] of Object.entries(found))
        assert.equal(verdict, 'pass', `run ${run}, ${name}: ${because}`)
    }
  })

  /** Clients ask live while the gate listens. */
  async function shadowed(candidate: Target, live: Target): Promise<Verdict> {
    const listeners = new Set<TapListener>()
    const tap = {
      listen(listener: TapListener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    }
    const verdict = shadow(
      shadowSpec({ atLeast: 100, noWorseBy: 0.05, risk, timeoutS: 30 }),
      sides(candidate, live),
      tap,
      calm(),
    )
    let nth = 0
    // As clients do: on and on, until it has heard enough.
    const clients = setInterval(() => {
      for (let turn = 0; turn < 20; turn++) {
        const { request } = sentences[nth++ % sentences.length]!
        const answer = JSON.stringify(good(request.text))
        const told = { service: 'langid', version: live.version, target: '/classify', answer }
        const one = tappedOf({ ...told, body: JSON.stringify(request) })
        for (const listener of listeners) listener.exchange(one)
      }
    }, 5)
    return verdict.finally(() => clearInterval(clients))
  }
})

describe('moby-pico', () => {
  const here = join(examples, 'moby-pico')
  const tokenizer = join(here, 'models/tokenizer.json')
  before(() => makeFaults(directory))

  async function served(
    version: string,
    weights: 'v1' | 'v2',
    { tokens = tokenizer, more = [] }: { tokens?: string; more?: string[] } = {},
  ): Promise<Target> {
    const [port] = await freePorts(1)
    const files = ['--model', join(here, `models/${weights}.bin`), '--tokenizer', tokens]
    const child = spawn(
      process.execPath,
      [join(here, 'server.ts'), ...files, '--port', String(port), ...more],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    )
    const ended = new Promise((resolve) => child.once('exit', resolve))
    closing.push(() => {
      child.kill('SIGKILL')
      return ended
    })
    await eventually(
      async () =>
        (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok === true || null,
      'the model server',
      20_000,
    )
    return { version, environment: 'green', addresses: [`127.0.0.1:${port}`] }
  }

  const passages = readFileSync(join(here, 'data/held-out.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { request: { prompt: string }; expected: string })
    .filter((_, nth) => nth % 3 === 0)
    .map(({ request, expected }) => ({ request, expected: expected.slice(0, 80) }))

  const perplexity = (candidate: Target, live: Target): Promise<Verdict> =>
    goldenSet(
      goldenSpec({
        ...goldenFile(passages),
        protocol: 'openai',
        answer: null,
        request: { method: 'POST', path: '/v1/completions', headers: {}, timeoutS: 20 },
        score: { kind: 'perplexity' },
        atMost: 60,
        noWorseBy: 0.02,
        concurrency: 2,
      }),
      candidate,
      live,
      calm(),
    )

  const loops = (candidate: Target): Promise<Verdict> => {
    const prompts = ['The captain', 'The whale', 'At sea', 'The ship'].map((content) => ({
      request: { messages: [{ role: 'user', content }], max_tokens: 100, stream: true, seed: 5 },
      expected: null,
    }))
    return goldenSet(
      goldenSpec({
        ...goldenFile(prompts),
        protocol: 'openai',
        answer: null,
        request: { method: 'POST', path: '/v1/chat/completions', headers: {}, timeoutS: 20 },
        score: { kind: 'noRepeats' },
        atLeast: 0.9,
        concurrency: 2,
      }),
      candidate,
      null,
      calm(),
    )
  }

  test('a better version passes; the tokenizer of another version is caught by perplexity, a stuck temperature by what it writes', async () => {
    const [live, good, foreign, stuck] = await Promise.all([
      served('v1', 'v1'),
      served('v2', 'v2'),
      served('foreign', 'v2', { tokens: join(directory, 'tokenizer-of-another-version.json') }),
      served('stuck', 'v2', { more: ['--fixed-temperature', '0'] }),
    ])
    const passed = await perplexity(good, live)
    assert.equal(passed.verdict, 'pass', passed.because)
    assert.equal((await loops(good)).verdict, 'pass')

    const other = await perplexity(foreign, live)
    assert.equal(other.verdict, 'fail')
    assert.match(other.because, /foreign has a perplexity of \d{4}/)
    assert.ok((other.evidence['examples'] as unknown[]).length > 0)

    assert.equal((await perplexity(stuck, live)).verdict, 'pass', 'its probabilities are right')
    const looping = await loops(stuck)
    assert.equal(looping.verdict, 'fail')
    assert.match(
      looping.because,
      /stuck scores [0-8]?\d(\.\d+)? % on 4 inputs; at least 90 % is asked/,
    )
    assert.ok((looping.evidence['examples'] as unknown[]).length > 0)
  })

  test('two runs of one model at temperature 1 are never called a regression', async () => {
    const [candidate, live] = await Promise.all([served('same', 'v1'), served('v1', 'v1')])
    const all = Array.from({ length: 40 }, (_, nth) =>
      capturedOf(
        tappedOf({
          target: '/v1/completions',
          body: JSON.stringify({ prompt: `The whale ${nth}`, max_tokens: 14, temperature: 1 }),
          at: 1000 + nth,
        }),
        redactor,
      )!,
    )
    const how = { protocol: 'openai', ignore: [], tolerances: [], text: { similar: 0.95 } } as const
    for (let run = 0; run < 4; run++) {
      const { verdict, because, evidence } = await replay(
        replaySpec({
          requests: all.length,
          noWorseBy: 0.05,
          how,
          risk,
          liveAgain: 1,
          timeoutS: 20,
        }),
        { service: 'writer', candidate, live },
        { newest: async () => all },
        calm(),
      )
      assert.notEqual(verdict, 'fail', because)
      const { liveDiffers, differs } = evidence['whole'] as { liveDiffers: number; differs: number }
      assert.ok(differs > 30 && liveDiffers > 30, 'they do say other things')
    }
  })
})
