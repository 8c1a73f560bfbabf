import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceManifest } from './manifest.ts'
import { experimentalIn } from './sleep.ts'

test('a sleeper that was not run against a real server is said to be experimental', () => {
  const said = (sleep?: object) =>
    experimentalIn('tiny', { environment: { sleep } } as unknown as ServiceManifest)
  assert.deepEqual(
    [said(), said({ by: 'kserve-v2' }), said({ by: 'llama.cpp' }), said({ by: 'commands' })],
    [[], [], [], []],
  )
  for (const by of ['vllm', 'sglang', 'ollama'])
    assert.match(said({ by }).join(), new RegExp(`^tiny: environment.sleep by ${by} is experim`))
})
