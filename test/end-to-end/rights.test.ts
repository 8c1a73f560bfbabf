/** People with tokens of their own: made and revoked by the CLI, each doing what its role may, by name; with real processes. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { NewTokenView, ReleaseView, ServiceView, TokenView } from '../../src/api/shapes.ts'
import { startBeryl } from '../support/beryl.ts'
import type { Running } from '../support/beryl.ts'

let beryl: Running
let ada = ''
let wall = ''

before(async () => {
  beryl = await startBeryl({ models: { v1: { answer: 'one' } } })
})
after(async () => assert.equal(await beryl.stop(), 0))

async function made(...args: string[]): Promise<NewTokenView> {
  const { code, out, err } = await beryl.cli('token', 'create', ...args, '--json')
  assert.equal(code, 0, err)
  return JSON.parse(out) as NewTokenView
}

test('a token is made by the CLI, shown once, and listed without it', async () => {
  const said = await beryl.cli('token', 'create', 'ada', '--role', 'operator', '--expires', '90d')
  assert.equal(said.code, 0, said.err)
  ;[ada = ''] = said.out.split('\n')
  assert.match(ada, /^beryl_1_[\w-]{43}$/)
  assert.match(said.out, /token of ada \(operator, until .*not shown again/)
  wall = (await made('wall display', '--role', 'viewer')).token
  const list = await beryl.cli('token')
  assert.match(list.out, /ada +operator +made .* {2}until .* {2}never used\nwall display +viewer/)
  const { out } = await beryl.cli('token', 'list', '--json')
  assert.deepEqual(
    (JSON.parse(out) as { tokens: TokenView[] }).tokens.map(({ name }) => name),
    ['ada', 'wall display'],
  )
  for (const secret of [ada, wall].map((token) => token.slice(-43)))
    assert.ok(!(list.out + out).includes(secret))
})

for (const [what, args, said] of [
  ['without a role', ['create', 'eve'], /--role: expected viewer, operator, admin, feedback; none/],
  ['with a role that is none', ['create', 'eve', '--role', 'admn'], /did you mean "admin"/],
  [
    'for a time that is none',
    ['create', 'eve', '--role', 'admin', '--expires', 'soon'],
    /--expires/,
  ],
  ['without a name', ['create', '--role', 'admin'], /needs a name/],
  [
    'with a name that breaks the line',
    ['create', 'a\nb', '--role', 'admin'],
    /name: expected 1 to 40/,
  ],
  ['that nobody has', ['revoke', 'adda'], /no token adda; did you mean "ada"/],
  ['by a word that is none', ['crate', 'eve'], /did you mean "create"/],
] as const) {
  test(`a token ${what} is refused with exit 2`, async () => {
    const { code, err } = await beryl.cli('token', ...args)
    assert.equal(code, 2, err)
    assert.match(err, said)
    assert.match(err, /\nNext: /)
  })
}

test('each does what its role may, and the record has their name', async () => {
  const refused = await beryl.cliAs(wall, 'deploy', 'tiny', 'v1')
  assert.equal(refused.code, 1)
  assert.match(
    refused.err,
    /wall display has the role viewer, .* needs operator\nNext: .*--role operator/,
  )
  const { code, out, err } = await beryl.cliAs(ada, 'deploy', 'tiny', 'v1', '--json')
  assert.equal(code, 0, err)
  const { id, by } = JSON.parse(out) as ReleaseView
  assert.equal(by, 'ada')
  const { out: explained } = await beryl.cliAs(wall, 'explain', id)
  assert.match(explained, /ada asked to deploy v1/)
  const seen = JSON.parse((await beryl.cliAs(wall, 'status', 'tiny', '--json')).out) as ServiceView
  assert.match(seen.can.deploy ?? '', /viewer: deploy needs the role operator/)
  assert.equal((await beryl.cliAs(ada, 'capture', 'tiny', 'export')).code, 1)
  assert.equal((await beryl.cliAs(ada, 'token', 'list')).code, 1)
})

test('who is revoked is out at once, streams too; others are not', async () => {
  const stream = await fetch(`${beryl.apiUrl}/api/v1/live`, {
    headers: { authorization: `Bearer ${wall}` },
    signal: AbortSignal.timeout(10_000),
  })
  const { code } = await beryl.cli('token', 'revoke', 'wall display')
  assert.equal(code, 0)
  await stream.text()
  const out = await beryl.cliAs(wall, 'status')
  assert.equal(out.code, 1)
  assert.match(out.err, /not known here\nNext: .*revoked/)
  assert.equal((await beryl.cliAs(ada, 'status')).code, 0)
})

test('no file of the data directory holds a token that was made', () => {
  const files = globSync('**/*', { cwd: beryl.data, withFileTypes: true }).filter((one) =>
    one.isFile(),
  )
  assert.ok(files.some(({ name }) => name === 'controller.log'))
  for (const { parentPath, name } of files) {
    const text = readFileSync(join(parentPath, name), 'latin1')
    for (const secret of [ada, wall].map((token) => token.slice(-43)))
      assert.ok(!text.includes(secret), name)
  }
})
