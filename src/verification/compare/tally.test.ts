import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seeded } from '../../statistics/testing/random.ts'
import type { Random } from '../../statistics/testing/random.ts'
import type { Answer, Comparison } from './comparison.ts'
import { usualRisk } from './counts.ts'
import type { TallyRules } from './counts.ts'
import { openTally } from './tally.ts'
import { asChat, asJson, chat, json } from './testing.ts'

const versions = { candidate: 'v2', live: 'v1' }
const labels = ['en', 'fr', 'de', 'it']

type Version = (input: number, random: Random) => Answer

function compared(
  live: Version,
  candidate: Version,
  {
    inputs = 1000,
    twice = 1,
    seed = 1,
    how = asJson,
    ...more
  }: Partial<TallyRules> & {
    inputs?: number
    twice?: number
    seed?: number
    how?: Comparison
  } = {},
) {
  const random = seeded(seed)
  const rules = { how, noWorseBy: 0.01, slice: null, risk: usualRisk, ...more }
  const tally = openTally(rules)
  for (let input = 0; input < inputs; input++)
    tally.add({
      id: `q${input}`,
      request: { lang: labels[input % 4], input },
      live: live(input, random),
      candidate: candidate(input, random),
      again: random.chance(twice) ? live(input, random) : null,
    })
  return tally.verdict(versions)
}

const label = (name: string): Answer => json({ label: name, score: 0.9 })
const steady: Version = (input) => label(labels[input % 4]!)
const wrongOn =
  (share: number): Version =>
  (input, random) =>
    random.chance(share) ? label('??') : steady(input, random)

test('an identical version passes, with few inputs asked twice or none', () => {
  for (const twice of [1, 0.2, 0]) {
    const { verdict, because } = compared(steady, steady, { twice })
    assert.equal(verdict, 'pass', because)
  }
})

test('5 % wrong labels are found, with the field and examples side by side', () => {
  const { verdict, because, evidence } = compared(steady, wrongOn(0.05))
  assert.equal(verdict, 'fail', because)
  assert.match(because, /\$\.label/)
  const { examples, fields } = evidence as any
  assert.deepEqual(
    [examples[0].at, examples[0].candidate, examples[0].liveAgain],
    ['$.label', '??', examples[0].live],
  )
  assert.equal(fields[0].field, '$.label')
  assert.ok(fields[0].beyondNoise > 0.03 && fields[0].atLeast > 0.01)
})

test('inputs that live was asked twice and others that were not must be alike: a pass on the first alone is none', () => {
  // What an unlucky lot, or one that is none, would do: the candidate differs only where live was asked once.
  const noisy = wrongOn(0.03)
  const tally = openTally({ how: asJson, noWorseBy: 0.05, slice: null, risk: usualRisk })
  const random = seeded(4)
  for (let input = 0; input < 3000; input++) {
    const isTwice = input % 3 === 0
    tally.add({
      id: `q${input}`,
      request: { input },
      live: noisy(input, random),
      candidate: isTwice ? noisy(input, random) : wrongOn(0.25)(input, random),
      again: isTwice ? noisy(input, random) : null,
    })
  }
  const { verdict, because } = tally.verdict(versions)
  assert.equal(verdict, 'undecided', because)
  assert.match(because, /where live was asked once it differs on at least/)
  // With a fair lot the same noise passes, however the lot falls.
  for (const seed of [1, 2, 3, 4, 5]) {
    const fair = compared(noisy, noisy, { twice: 0.3, inputs: 6000, noWorseBy: 0.05, seed })
    assert.equal(fair.verdict, 'pass', fair.because)
  }
})

test('too few inputs decide nothing, and none at all neither', () => {
  assert.equal(compared(steady, steady, { inputs: 100 }).verdict, 'undecided')
  const none = compared(steady, steady, { inputs: 0 })
  assert.deepEqual(
    [none.verdict, none.because.includes('nothing was compared')],
    ['undecided', true],
  )
})

test('without a second look at live a difference is never called a failure, and never a pass', () => {
  assert.equal(compared(steady, wrongOn(0.3), { twice: 0 }).verdict, 'undecided')
})

test('a candidate that does not answer has differed; a live version that does not is no measure', () => {
  const silent: Version = () => ({ status: 0, headers: {}, body: '' })
  const { verdict, because } = compared(steady, silent, { inputs: 200 })
  assert.equal(verdict, 'fail')
  assert.match(because, /status/)
  const flaky: Version = (input, random) =>
    random.chance(0.2) ? silent(0, random) : steady(input, random)
  assert.equal(compared(flaky, steady).verdict, 'undecided')
  const broken = compared(silent, steady)
  assert.equal(broken.verdict, 'undecided')
  assert.match(broken.because, /failed on all/)
})

test('one language lost hardly moves the whole, and its slice fails', () => {
  const lost: Version = (input, random) => (input % 100 === 3 ? label('??') : steady(input, random))
  const slices = compared(steady, lost, { inputs: 4000, noWorseBy: 0.02, slice: '$.lang' })
  assert.equal(slices.verdict, 'pass', 'each of four slices is 1 % or 0 % wrong')
  const gone: Version = (input, random) => (input % 40 === 3 ? label('??') : steady(input, random))
  const one = compared(steady, gone, { inputs: 4000, noWorseBy: 0.05, slice: '$.lang' })
  assert.equal(one.verdict, 'fail', one.because)
  assert.match(one.because, /slice it /)
})

test('a field on which live contradicts itself is no evidence: neither pass nor fail, and it is named', () => {
  const stamped: Version = (input, random) =>
    json({ label: labels[input % 4], stamp: random.uniform() })
  const { verdict, because } = compared(stamped, stamped)
  assert.equal(verdict, 'undecided')
  assert.match(because, /\$\.stamp.*ignore it/)
  const how = { ...asJson, ignore: ['$.stamp'] }
  assert.equal(compared(stamped, stamped, { how }).verdict, 'pass')
})

test('where live contradicts itself on a field in most inputs, however wide the margin and many the inputs, nothing passes', () => {
  const often: Version = (input, random) =>
    json({ label: labels[input % 4], stamp: random.chance(0.4) ? random.uniform() : 0 })
  const { verdict, because } = compared(often, often, { inputs: 5000, noWorseBy: 0.2 })
  assert.equal(verdict, 'undecided')
  assert.match(because, /contradicts itself on \$\.stamp/)
})

test('noise on one field does not hide what another one lost', () => {
  const stamped: Version = (input, random) =>
    json({ label: labels[input % 4], stamp: random.uniform() })
  const wrong: Version = (input, random) =>
    json({ label: random.chance(0.05) ? '??' : labels[input % 4], stamp: random.uniform() })
  assert.equal(compared(stamped, wrong).verdict, 'fail')
})

/** A language model at temperature 1: each word is drawn anew from what suits the question, common words more often. */
const words = Array.from({ length: 400 }, (_, index) => `word${index}`)
const sampled: Version = (input, random) => {
  const length = 25 + Math.floor(random.uniform() * 10)
  const text = Array.from({ length }, (_, place) =>
    random.chance(0.4)
      ? words[Math.floor(random.uniform() ** 2 * 20)]
      : words[20 + ((input * 37 + place * 3 + Math.floor(random.uniform() * 6)) % 380)],
  )
  return chat(text.join(' '), String(random.uniform()))
}
const gibberish: Version = (_, random) =>
  chat(
    Array.from({ length: 30 }, () => `x${Math.floor(random.uniform() * 1e6)}`).join(' '),
    String(random.uniform()),
  )

test('two runs of the same language model at temperature 1 are not called a regression: 200 of 200', () => {
  const verdicts = Array.from(
    { length: 200 },
    (_, seed) => compared(sampled, sampled, { how: asChat, inputs: 60, seed }).verdict,
  )
  assert.deepEqual(new Set(verdicts.filter((one) => one === 'fail')), new Set())
})

test('and with enough of them they pass, where a margin that such noise allows is asked for', () => {
  const { verdict, because } = compared(sampled, sampled, {
    how: asChat,
    inputs: 1500,
    noWorseBy: 0.15,
  })
  assert.equal(verdict, 'pass', because)
})

test('a sampled language model that writes gibberish for every eighth question is found through its noise', () => {
  const broken: Version = (input, random) =>
    (random.chance(0.125) ? gibberish : sampled)(input, random)
  const { verdict, because, evidence } = compared(sampled, broken, { how: asChat, inputs: 1500 })
  assert.equal(verdict, 'fail', because)
  assert.match((evidence as any).examples[0].candidate, /^x\d+ x\d+/)
})

test('noise of its own is no regression: a version as random as live fails in at most the risk that was asked for', () => {
  const noisy: Version = (input, random) =>
    random.chance(0.2) ? label('??') : steady(input, random)
  let failed = 0
  for (let seed = 0; seed < 300; seed++)
    if (compared(noisy, noisy, { noWorseBy: 0, inputs: 200, seed }).verdict === 'fail') failed++
  assert.ok(failed <= 8, `${failed} of 300 at a risk of 1 %`)
})

test('a version that is worse by more than the margin passes in at most the risk that was asked for', () => {
  let passed = 0
  for (let seed = 0; seed < 300; seed++)
    if (compared(steady, wrongOn(0.011), { inputs: 1200, twice: 0.5, seed }).verdict === 'pass')
      passed++
  assert.ok(passed <= 24, `${passed} of 300 at a risk of 5 %`)
})

test('evidence stays small, however large answers are and however many fields and slices they have', () => {
  const huge: Version = (input, random) =>
    json(
      Object.fromEntries(
        Array.from({ length: 40 }, (_, key) => [
          `${input}-${key}`,
          `${random.uniform()} `.repeat(500),
        ]),
      ),
    )
  const { evidence } = compared(huge, huge, { inputs: 30, slice: '$.input' })
  assert.ok(JSON.stringify(evidence).length < 100_000)
})
