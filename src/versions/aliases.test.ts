import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aliasIn, complaintOf, noSuchAlias, previousOf } from './aliases.ts'

test('an alias is told from a version by its @', () => {
  assert.equal(aliasIn('@champion'), 'champion')
  assert.equal(aliasIn('v1'), null)
  assert.equal(aliasIn('@'), '')
})

test('a name is well-formed, not reserved, and no version', () => {
  for (const name of ['champion', 'a', 'blue-team-2', 'x'.repeat(40)])
    assert.equal(complaintOf(name, ['v1']), null, name)
  for (const name of ['', 'Champion', '-a', 'a-', '1a', 'a b', 'a.b', '@a', 'x'.repeat(41), 'é'])
    assert.equal(complaintOf(name, ['v1'])?.code, 'alias-malformed', name)
  for (const name of ['live', 'previous', 'standby', 'candidate', 'queued', 'latest'])
    assert.equal(complaintOf(name, ['v1'])?.code, 'alias-reserved', name)
  assert.equal(complaintOf('v1', ['v1'])?.code, 'alias-is-version')
})

test('an alias that is not there is said with those that are', () => {
  const { title, hint } = noSuchAlias('chat', 'chamion', ['champion'])
  assert.match(title, /no alias @chamion; did you mean "champion"\?/)
  assert.match(hint, /@live, @previous, @champion/)
})

/** `r1: v1`, `r2: v2 < r1`, `r3: v1 < r2 back` */
function previous(live: string, ...written: string[]): string | null {
  const releases = new Map(
    written.map((line) => {
      const [, id, version, from, back] = /^(\w+): (\w+)(?: < (\w+))?( back)?$/.exec(line)!
      return [id!, { version: version!, from: from ?? null, back: back !== undefined }]
    }),
  )
  const place = (id: string) => ({ release: id, version: releases.get(id)!.version })
  return previousOf(place(live), (id) => {
    const found = releases.get(id)
    if (found === undefined) return null
    return {
      kind: found.back ? 'rollback' : 'deploy',
      from: found.from === null ? null : place(found.from),
    }
  })
}

test('the previous version is what was live before the live one was first released', () => {
  assert.equal(previous('r1', 'r1: v1'), null)
  assert.equal(previous('r2', 'r1: v1', 'r2: v2 < r1'), 'v1')
  // v3 was rolled back, at once: what is live is r2 again.
  assert.equal(previous('r2', 'r1: v1', 'r2: v2 < r1', 'r3: v3 < r2'), 'v1')
  // The same version once more, in another environment.
  assert.equal(previous('r3', 'r1: v1', 'r2: v2 < r1', 'r3: v2 < r2'), 'v1')
  // Back to v2 by a release of its own: not to v3, which was left.
  const back = ['r1: v1', 'r2: v2 < r1', 'r3: v3 < r2', 'r4: v2 < r3 back']
  assert.equal(previous('r4', ...back), 'v1')
  assert.equal(previous('r5', ...back, 'r5: v4 < r4'), 'v2')
  assert.equal(previous('r6', ...back, 'r5: v4 < r4', 'r6: v2 < r5 back'), 'v1')
  assert.equal(previous('r2', 'r1: v1', 'r2: v9 < r1 back'), null)
  assert.equal(previous('r1', 'r1: v1 < r1'), null)
})
