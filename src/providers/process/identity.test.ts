/** A replica is ready when it answers, and answers as the model it should be. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallySeen, specOf } from '../testing.ts'
import { fixture, withProvider } from './bench.ts'

const ready = { path: '/', withinS: 30, model: 'writer-v2' }

test('a replica that lists the model it should serve is ready', () =>
  withProvider(async (provider) => {
    const spec = specOf(fixture('serves.js', '--serves', 'writer-v2'), { ready })
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
  }))

test('a replica that answers as another model, or lists none, never becomes ready, and says why before its time is over', () =>
  withProvider(async (provider) => {
    const cases: [string[], RegExp][] = [
      [['--serves', 'writer-v1'], /lists writer-v1, expected writer-v2/],
      [[], /answers no list of models, expected writer-v2/],
    ]
    await Promise.all(
      cases.map(async ([args, expected]) => {
        const spec = specOf(fixture('serves.js', ...args), { ready })
        await provider.start(spec)
        const { state } = await eventuallySeen(provider, spec.id, 'failed')
        assert.match(state.name === 'failed' ? state.because : '', expected)
        assert.match(state.name === 'failed' ? state.because : '', /not what was asked for/)
      }),
    )
  }))
