/** What people are told answers them, while one version comes and the other leaves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { releaseOf, since, switched } from './testing/hands.ts'
import { answering } from './views.ts'

test('until traffic has moved, what leaves is live: in the steps of a switch, and on a way back that is held up', () => {
  const watching = switched(releaseOf({ name: 'watching', since, generation: 2 }))
  const now = answering(watching, { live: watching.colour === 'none' ? null : watching.colour })
  assert.deepEqual([now.colour, now.live], [watching.colour, watching.live])

  const back = switched(
    releaseOf({ name: 'rolling-back', since, generation: 3, why: 'worse', by: 'guard' }),
  )
  const [to, from] =
    back.colour === 'blue' ? (['blue', 'green'] as const) : (['green', 'blue'] as const)
  const held = answering(back, { live: from })
  assert.deepEqual([held.colour, held.live?.version], [from, back.release!.bundle.version])
  for (const live of [to, null]) {
    const moved = answering(back, { live })
    assert.deepEqual([moved.colour, moved.live], [to, back.live])
  }
  // The gateway was not seen yet.
  assert.deepEqual(answering(back, null).colour, to)
})
