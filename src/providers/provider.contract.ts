/**
 * What every provider promises, whether it starts its replicas or finds them running. Each provider's own test runs this
 * suite; those that start replicas run `starting-provider.contract.ts` too.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Labels, Looks, Provider, ReplicaSeen, ReplicaSpec } from './provider.ts'
import { eventually, eventuallySeen } from './testing.ts'

/** What every provider can be given. */
export type Kind = 'serves' | 'never ready'

export type Bench<Spec = ReplicaSpec, Kinds = Kind> = {
  /** A provider that is not open yet; each call another one on the same journal, as after a restart. */
  provider(): Provider<Spec>
  /** `change` is laid over the spec. */
  spec(kind: Kinds, change?: Partial<Labels & Looks>): Spec & Labels
  /** What a request to the replica answers as JSON; null when nobody answers. Answers of one start are equal. */
  ask(replica: ReplicaSeen): Promise<unknown>
  /** Makes the next journal writes fail. */
  failJournal(message: string | null): void
  /** Ends whatever is left. */
  dispose(): Promise<void>
}

export type Stage<Spec, Kinds = Kind> = {
  bench: Bench<Spec, Kinds>
  provider: Provider<Spec>
  /** Waits until the replica is in that state. */
  seen: (id: string, state: ReplicaSeen['state']['name']) => Promise<ReplicaSeen>
  gone: (id: string) => Promise<unknown>
  /** Closes the provider, and opens the next one on the same journal. */
  reopened: () => Promise<Provider<Spec>>
}

export function providerContract<Spec>(name: string, benchOf: () => Promise<Bench<Spec>>): void {
  // Most of the time goes into waiting: for graces, limits and back-offs.
  suite(`${name}: the contract of providers`, { concurrency: 3 }, () => {
    const promise = (title: string, act: (stage: Stage<Spec>) => Promise<void>): void =>
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
      'a replica that was stopped is not seen any more, however often it is asked to stop',
      async ({ bench, provider, seen, gone }) => {
        const spec = bench.spec('serves')
        await provider.start(spec)
        await seen(spec.id, 'ready')
        await Promise.all([provider.stop(spec.id), provider.stop(spec.id)])
        assert.ok(provider.look().every(({ state }) => state.name === 'stopping'))
        await gone(spec.id)
        await provider.stop(spec.id)
        assert.deepEqual(provider.look(), [])
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
      'a replica that is not ready in time has failed, with the reason',
      async ({ bench, provider, seen, gone }) => {
        const spec = bench.spec('never ready', { ready: { path: '/', withinS: 0.6 } })
        await provider.start(spec)
        const { state } = await seen(spec.id, 'failed')
        assert.match(state.name === 'failed' ? state.because : '', /not ready within 0\.6 s: .*503/)
        await provider.stop(spec.id)
        await gone(spec.id)
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

export async function onStage<Spec, Kinds>(
  benchOf: () => Promise<Bench<Spec, Kinds>>,
  act: (stage: Stage<Spec, Kinds>) => Promise<void>,
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
