/** A schema that cannot be used is said before anything is started, and never bars the way back. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ProblemError } from '../../ipc/problem.ts'
import { jsonSchema } from '../../verification/json-schema.ts'
import { scoreOf } from './score-specs.ts'

const directory = mkdtempSync(join(tmpdir(), 'beryl-schema-'))
after(() => rmSync(directory, { recursive: true, force: true }))

const read = (text: string) => {
  writeFileSync(join(directory, 'schema.json'), text)
  return scoreOf({ jsonSchema: 'schema.json' }, { directory, files: 'read' })
}

test('a schema goes along as it is when the release begins', async () => {
  const schema = { type: 'object', required: ['label'] }
  assert.deepEqual(await read(JSON.stringify(schema)), { kind: 'jsonSchema', schema })
})

for (const [text, expected] of [
  ['{', /schema\.json: .*JSON/],
  ['{"type": "objet"}', /schema\.json: schema is invalid/],
  ['{"requird": ["a"]}', /unknown keyword: "requird"/],
  ['[]', /schema\.json/],
  [`{"description": "${'x'.repeat(300_000)}"}`, /larger than 262144 bytes/],
] as const)
  test(`a schema that cannot be used is named: ${text.slice(0, 20)}`, async () => {
    await assert.rejects(read(text), (error) => {
      assert.ok(error instanceof ProblemError)
      assert.equal(error.problem.code, 'json-schema')
      assert.match(error.problem.title, expected)
      assert.match(error.problem.hint!, /nothing was started/)
      return true
    })
  })

test('a schema that is not there is named; left out, it is not looked for, and nothing would match', async () => {
  const gone = { jsonSchema: 'nowhere.json' }
  await assert.rejects(scoreOf(gone, { directory, files: 'read' }), /nowhere\.json: ENOENT/)
  const score = await scoreOf(gone, { directory, files: 'left out' })
  assert.ok('schema' in score)
  assert.notEqual(jsonSchema(score.schema)({ any: 'thing' }), null)
})
