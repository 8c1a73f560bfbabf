/** What every provider promises, whatever it starts replicas with. Each provider's own test runs this suite. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Provider, ReplicaSeen, ReplicaSpec } from './provider.ts'
import { eventually, eventuallySeen } from './testing.ts'

/**
 * Replicas of a kind that the provider can start. What ignores SIGTERM prints `no` each time; `change` is laid over the
 * spec.
 */
export type Kind = 'serves' | 'never ready' | 'crashes at start' | 'ignores SIGTERM'

export type Bench = {
  /** A provider that is not open yet; each call another one on the same journal, as after a restart. */
  provider(): Provider
  spec(kind: Kind, change?: Partial<ReplicaSpec>): ReplicaSpec
  /** What a request to the replica answers as JSON; null when nobody answers. Answers of one start are equal. */
  ask(replica: ReplicaSeen): Promise<unknown>
  /** Makes the next journal writes fail. */
  failJournal(message: string | null): void
  /** Ends whatever is left. */
  dispose(): Promise<void>
}

type Stage = {
  bench: Bench
  provider: Provider
  /** Waits until the replica is in that state. */
  seen: (id: string, state: ReplicaSeen['state']['name']) => Promise<ReplicaSeen>
  gone: (id: string) => Promise<unknown>
  /** Closes the provider, and opens the next one on the same journal. */
  reopened: () => Promise<Provider>
}

export function providerContract(name: string, benchOf: () => Promise<Bench>): void {
  // Most of the time goes into waiting: for graces, limits and back-offs.
  suite(`${name}: the contract of providers`, { concurrency: 3 }, () => {
    const promise = (title: string, act: (stage: Stage) => Promise<void>): void =>
      void test(title, () => onStage(benchOf, act))

    promise(
      'a replica is seen under its labels as soon as it is asked for, and ready where it answers',
      async ({ bench, provider, seen }) => {
        const spec = bench.spec('serves', { environment: 'green', version: 'v7', release: 'r9' })
        await provider.start(spec)
        const [asked] = provider.look()
        assert.equal(asked?.state.name, 'starting')
        const { id, service, environment, release, version, digest, restarts } = await seen(
          spec.id,
          'ready',
        )
        assert.deepEqual(
          { id, service, environment, release, version, digest, restarts },
          {
            id: spec.id,
            service: spec.service,
            environment: 'green',
            release: 'r9',
            version: 'v7',
            digest: spec.digest,
            restarts: 0,
          },
        )
        assert.notEqual(await bench.ask(provider.look()[0]!), null)
      },
    )

    promise(
      'asking twice for the same replica starts it once',
      async ({ bench, provider, seen }) => {
        const spec = bench.spec('serves')
        await Promise.all([provider.start(spec), provider.start(spec)])
        const ready = await seen(spec.id, 'ready')
        const before = await bench.ask(ready)
        await provider.start(spec)
        assert.equal(provider.look().length, 1)
        assert.deepEqual(await bench.ask(ready), before)
      },
    )

    promise('two replicas never get the same address', async ({ bench, provider, seen }) => {
      const specs = [bench.spec('serves'), bench.spec('serves'), bench.spec('serves')]
      await Promise.all(specs.map((spec) => provider.start(spec)))
      const ready = await Promise.all(specs.map(({ id }) => seen(id, 'ready')))
      assert.equal(new Set(ready.map(({ host, port }) => `${host}:${port}`)).size, 3)
    })

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
        const spec = bench.spec('ignores SIGTERM', { stopGraceS: 0.4 })
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

    promise('stopping what is not there is no error', async ({ provider }) => {
      await provider.stop('nobody-blue-r0-0')
      assert.deepEqual(provider.look(), [])
    })

    promise(
      'a replica that is stopped before it is ready ends too',
      async ({ bench, provider, gone }) => {
        const spec = bench.spec('never ready')
        await provider.start(spec)
        await provider.stop(spec.id)
        await gone(spec.id)
      },
    )

    promise(
      'a replica that is not ready in time has failed, with the reason and its last lines',
      async ({ bench, provider, seen, gone }) => {
        const spec = bench.spec('never ready', { ready: { path: '/', withinS: 0.6 } })
        await provider.start(spec)
        const { state } = await seen(spec.id, 'failed')
        assert.ok(state.name === 'failed')
        assert.match(state.because, /not ready within 0\.6 s: .*503/)
        assert.deepEqual(state.lastLines, ['loading the weights'])
        await provider.stop(spec.id)
        await gone(spec.id)
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

    promise(
      'whoever listens is told of changes, until it does not want to be',
      async ({ bench, provider, seen, gone }) => {
        const told: (string | undefined)[] = []
        const unsubscribe = provider.changed(() => told.push(provider.look()[0]?.state.name))
        const spec = bench.spec('serves')
        await provider.start(spec)
        await seen(spec.id, 'ready')
        await provider.stop(spec.id)
        await gone(spec.id)
        assert.deepEqual(
          told.filter((name, index) => name !== told[index - 1]),
          ['starting', 'ready', 'stopping', undefined],
        )
        const count = told.length
        unsubscribe()
        const other = bench.spec('serves')
        await provider.start(other)
        await seen(other.id, 'ready')
        assert.equal(told.length, count)
      },
    )

    promise(
      'closing leaves replicas running; the next provider has them ready at once, not restarted',
      async ({ bench, provider, seen, reopened }) => {
        const spec = bench.spec('serves')
        await provider.start(spec)
        const before = await seen(spec.id, 'ready')
        const answer = await bench.ask(before)
        const next = await reopened()
        assert.deepEqual(next.look(), [before])
        assert.deepEqual(await bench.ask(before), answer)
      },
    )

    promise(
      'a failed replica is still failed for the next provider',
      async ({ bench, provider, seen, reopened }) => {
        const spec = bench.spec('never ready', { ready: { path: '/', withinS: 0.3 } })
        await provider.start(spec)
        const { state } = await seen(spec.id, 'failed')
        const next = await reopened()
        assert.deepEqual(next.look()[0]?.state, state)
      },
    )

    promise('what cannot be journalled is not started', async ({ bench, provider, seen }) => {
      const spec = bench.spec('serves')
      bench.failJournal('the disk is full')
      await assert.rejects(provider.start(spec), /the disk is full/)
      assert.deepEqual(provider.look(), [])
      bench.failJournal(null)
      await provider.start(spec)
      await seen(spec.id, 'ready')
    })
  })
}

async function onStage(
  benchOf: () => Promise<Bench>,
  act: (stage: Stage) => Promise<void>,
): Promise<void> {
  const bench = await benchOf()
  let provider = bench.provider()
  try {
    await provider.open()
    await act({
      bench,
      provider,
      seen: (id, state) => eventuallySeen(provider, id, state),
      gone: (id) =>
        eventually(
          `${id} to be gone`,
          () => provider.look().every((replica) => replica.id !== id),
          () => provider.look(),
        ),
      reopened: async () => {
        await provider.close()
        provider = bench.provider()
        await provider.open()
        return provider
      },
    })
  } finally {
    await provider.close()
    await bench.dispose()
  }
}
