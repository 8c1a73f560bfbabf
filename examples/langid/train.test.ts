/** The figures that README, manifest and demo rely on. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { classify, loadModel } from './model.ts'
import { trainAll } from './train.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-langid-'))
const golden = readFileSync(new URL('./data/golden.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { request: { text: string }; expected: string })

before(() => trainAll(directory))
after(() => rmSync(directory, { recursive: true, force: true }))

for (const [version, expected] of Object.entries({
  v1: 92.1,
  v2: 99.4,
  v3: 84.2,
  v4: 99.4,
  v5: 99.4,
})) {
  test(`${version} is right about ${expected} % of the golden set`, () => {
    assert.ok(Math.abs(accuracy(version) - expected) < 0.15, `${accuracy(version)} %`)
  })
}

test('v3 is as confident as v2, and wrong about all of Spanish: no health check sees that', () => {
  const model = loadModel(join(directory, 'v3'))
  const spanish = golden.filter(({ expected }) => expected === 'es')
  const answers = spanish.map(({ request }) => classify(model, request.text))
  assert.equal(answers.filter(({ language }) => language === 'es').length, 0)
  assert.ok(answers.reduce((sum, { confidence }) => sum + confidence, 0) / answers.length > 0.85)
})

function accuracy(version: string): number {
  const model = loadModel(join(directory, version))
  const right = golden.filter(
    ({ request, expected }) => classify(model, request.text).language === expected,
  )
  return (100 * right.length) / golden.length
}
