/** What a language model is asked must be something that can be asked of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { languageModel } from './language-model.ts'
import { manifest } from './manifest.ts'

function problems(
  goldenSet: Record<string, unknown>,
  more: Record<string, unknown> = {},
): string[] {
  const { ready, ...service } = { protocol: 'openai', ready: {}, ...more }
  const parsed = manifest.parse({
    apiVersion: 'beryl/v1',
    services: {
      writer: {
        environment: { provider: 'process', command: ['serve'], ready },
        versions: { v1: {} },
        verify: [{ goldenSet: { file: 'a', request: { path: '/v1/completions' }, ...goldenSet } }],
        ...service,
      },
    },
  })
  return languageModel(['services', 'writer'], parsed.services['writer']!).map(
    ({ path, message }) => `${path.at(-1)}: ${message}`,
  )
}

test('what can be asked is accepted', () => {
  assert.deepEqual(problems({ score: 'perplexity', atMost: 25, noWorseBy: 0.02 }), [])
  assert.deepEqual(
    problems({ score: 'noRepeats', atLeast: 0.9, answer: '$.text' }, { protocol: 'json' }),
    [],
  )
  assert.deepEqual(
    problems({ score: 'valid', atLeast: 0.9 }, { ready: { model: 'w-{version}' } }),
    [],
  )
})

test('what cannot be asked is refused, with what to write instead', () => {
  for (const [goldenSet, more, expected] of [
    [
      { score: 'perplexity', atMost: 25 },
      { protocol: 'json' },
      /score: perplexity needs `protocol: openai`/,
    ],
    [{ score: 'valid', atLeast: 1 }, { protocol: 'http' }, /score: valid needs `protocol: openai`/],
    [{ score: 'perplexity', atLeast: 0.9 }, {}, /atLeast: .* use atMost/],
    [{ score: 'exact', atMost: 25 }, {}, /atMost: .* use atLeast/],
    [{ score: 'perplexity', atMost: 25, answer: '$.a' }, {}, /answer: .* leave it out/],
    [
      { score: 'perplexity', atMost: 25, request: { path: '/v1/chat/completions' } },
      {},
      /request: .* chats have no echo/,
    ],
    [{ atLeast: 1, request: { method: 'GET', path: '/' } }, {}, /request: expected POST/],
    [
      { atLeast: 1 },
      { protocol: 'http', ready: { model: 'w' } },
      /model: .* needs `protocol: openai`/,
    ],
  ] as const) {
    const [problem, ...others] = problems(goldenSet, more)
    assert.match(problem ?? 'nothing', expected)
    assert.deepEqual(others, [])
  }
})
