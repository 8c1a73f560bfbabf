/** What every provider promises that starts its replicas, beside what all promise. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { onStage } from './provider.contract.ts'
import type { Bench, Kind, Stage } from './provider.contract.ts'
import { eventually } from './testing.ts'

/** What ignores SIGTERM prints `no` each time, and has a grace of 0.4 s. */
export type StartedKind = Kind | 'crashes at start' | 'ignores SIGTERM'

export function startingProviderContract<Spec>(
  name: string,
  benchOf: () => Promise<Bench<Spec, StartedKind>>,
): void {
  suite(`${name}: the contract of providers that start replicas`, { concurrency: 3 }, () => {
    const promise = (
      title: string,
      act: (stage: Stage<Spec, StartedKind>) => Promise<void>,
    ): void => void test(title, () => onStage(benchOf, act))

    promise(
      'a replica that was stopped answers no more, and is not seen any more',
      async ({ bench, provider, seen, gone }) => {
        const spec = bench.spec('serves')
        await provider.start(spec)
        const ready = await seen(spec.id, 'ready')
        await provider.stop(spec.id)
        assert.ok(provider.look().every(({ state }) => state.name === 'stopping'))
        await gone(spec.id)
        assert.equal(await bench.ask(ready), null)
      },
    )

    promise(
      'a replica that ignores SIGTERM is gone after its grace, however often it is asked to stop',
      async ({ bench, provider, seen }) => {
        const spec = bench.spec('ignores SIGTERM')
        await provider.start(spec)
        const ready = await seen(spec.id, 'ready')
        const began = performance.now()
        await provider.stop(spec.id)
        await eventually('it to end', async () => {
          await provider.stop(spec.id)
          return provider.look().length === 0
        })
        assert.ok(performance.now() - began >= 390)
        const refusals = (await provider.lastLines(spec.id, 99)).filter((line) => line === 'no')
        assert.equal(refusals.length, 1)
        assert.equal(await bench.ask(ready), null)
      },
    )

    promise(
      'a replica that is not ready in time has failed with its last lines',
      async ({ bench, provider, seen }) => {
        const spec = bench.spec('never ready', { ready: { path: '/', withinS: 0.6 } })
        await provider.start(spec)
        const { state } = await seen(spec.id, 'failed')
        assert.ok(state.name === 'failed')
        assert.deepEqual(state.lastLines, ['loading the weights'])
      },
    )

    promise(
      'a replica that keeps crashing before it is ready has failed, with the reason and its last lines',
      async ({ bench, provider, seen }) => {
        const spec = bench.spec('crashes at start')
        await provider.start(spec)
        const { state, restarts } = await seen(spec.id, 'failed')
        assert.ok(state.name === 'failed')
        assert.match(state.because, /exit code 3.*before it was ready, 4 times/)
        assert.equal(state.lastLines.at(-1), 'the weights are broken')
        assert.equal(restarts, 0)
        assert.deepEqual(await provider.lastLines(spec.id, 2), [
          'reading the weights',
          'the weights are broken',
        ])
      },
    )
  })
}
