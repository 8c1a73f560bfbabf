import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceManifest } from './manifest.ts'
import { experimentalIn } from './sleep.ts'

test('what was not run against a real server is said to be experimental, a shared standby as well as a sleeper', () => {
  const said = (standby: object[], sleep?: object) =>
    experimentalIn('tiny', { standby, environment: { sleep } } as unknown as ServiceManifest)
  assert.deepEqual(said([{ full: 60 }]), [])
  assert.match(
    said([{ full: 60 }, { shared: 60 }]).join(),
    /^tiny: the rung `shared` is experimental: /,
  )
  assert.match(said([], { by: 'vllm' }).join(), /^tiny: environment.sleep by vllm is experimental/)
  assert.equal(said([{ shared: 60 }], { by: 'ollama' }).length, 2)
})
