import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTapped } from './tapped.ts'

const all = { share: 1, methods: ['GET', 'POST'], exclude: [] }

test('another rule begins anew; a tap that goes and comes again by the same one goes on', () => {
  const tapped = openTapped()
  tapped.by('s', all)
  tapped.add('s', { asked: 100, allowed: 90 })
  tapped.add('s', { sent: 80 })
  tapped.add('s', { missed: 10 })
  const counted = { asked: 100, allowed: 90, sent: 80, missed: 10 }
  tapped.by('s', null)
  assert.deepEqual(tapped.of('s'), counted)
  tapped.by('s', { ...all, share: 0.1 })
  assert.deepEqual(tapped.of('s'), counted)
  tapped.by('s', { ...all, exclude: ['/v1/files'] })
  assert.deepEqual(tapped.of('s'), { asked: 0, allowed: 0, sent: 0, missed: 0 })
})

test('the past fades: traffic that has changed is soon told by what it is now', () => {
  const tapped = openTapped()
  tapped.by('s', all)
  for (let turn = 0; turn < 10_000; turn++) tapped.add('s', { asked: 100, allowed: 100 })
  for (let turn = 0; turn < 400; turn++) tapped.add('s', { asked: 100 })
  const { asked, allowed } = tapped.of('s')
  assert.ok(asked <= 20_000 && allowed < 0.5 * asked, `${allowed} of ${asked}`)
})

test('of a service that was never tapped nothing is known', () => {
  const tapped = openTapped()
  tapped.add('s', { asked: 100, allowed: 100 })
  assert.deepEqual(tapped.of('s'), { asked: 0, allowed: 0, sent: 0, missed: 0 })
})
