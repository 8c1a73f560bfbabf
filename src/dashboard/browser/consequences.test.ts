import assert from 'node:assert/strict'
import { test } from 'node:test'
import { consequenceOf, inTheWay } from './consequences.ts'
import type { Command } from './consequences.ts'
import { releaseView, serviceView } from './testing.ts'

const of = (command: Command) => consequenceOf(command, serviceView(), releaseView())

test('a rollback says where traffic goes, what is not asked, and what the way back is worth now', () => {
  const { title, says } = of('rollback')
  assert.equal(title, 'Roll back chat to v1?')
  assert.match(
    says.join(' '),
    /leaves v2 at once.*No gate.*1 of 1 replicas ready; the last move took 4\.0 ms/,
  )
})

test('what goes on without evidence needs a reason; a rollback never waits for one', () => {
  assert.equal(of('promote').reason, 'needed')
  assert.equal(of('rollback').reason, 'recorded')
  assert.equal(of('retry').reason, 'none')
})

test('every command says what it will do before it is done', () => {
  for (const command of Object.keys(releaseView().can) as Command[]) {
    const { title, says, button } = of(command)
    assert.match(title, /\?$/)
    assert.ok(says.length > 0 && button.length > 0, command)
  }
})

test('an approval says whether traffic moves by it', () => {
  const waiting = releaseView({ phase: 'awaiting-approval' })
  assert.match(
    consequenceOf('approve', serviceView(), waiting).says[0]!,
    /moves from v1 to v2 in one step/,
  )
  const early = releaseView({ phase: 'warming' })
  assert.match(consequenceOf('approve', serviceView(), early).says[0]!, /skips no gate/)
})

test('a new release is told what it ends or waits for', () => {
  assert.deepEqual(inTheWay(serviceView({ release: null })), [])
  assert.match(inTheWay(serviceView())[0]!, /waits until r2 \(watching\)/)
  assert.match(
    inTheWay(serviceView({ release: releaseView({ phase: 'stabilizing' }) }))[0]!,
    /no way back until/,
  )
  const queued = releaseView({ id: 'r3', version: 'v3' })
  assert.match(inTheWay(serviceView({ queued }))[0]!, /r3 \(v3\) waits already/)
})
