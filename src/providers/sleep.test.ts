/** A replica that leaves its accelerator, and comes back: what was asked, what became of it, and who was killed meanwhile. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { identityOf } from '../ipc/identity.ts'
import { externalProvider } from './external/external-provider.ts'
import { withProvider, fixture, askJson } from './process/bench.ts'
import type { ExternalSpec, Provider, ReplicaSeen, Sleep } from './provider.ts'
import { eventually, eventuallySeen, journalFake, looksOf, silentLog, specOf } from './testing.ts'

const sleep: Sleep = {
  down: [{ method: 'POST', path: '/sleep?level=1' }],
  up: [{ method: 'POST', path: '/wake_up' }],
  withinS: 5,
}
const isDown = ({ state }: ReplicaSeen): boolean => !('because' in state)
const becauseOf = ({ state }: ReplicaSeen): string => ('because' in state ? state.because : '')

async function started(provider: Provider<ReturnType<typeof specOf>>, change: object = { sleep }) {
  const spec = specOf(fixture('sleeps.js'), change)
  await provider.start(spec)
  const replica = await eventuallySeen(provider, spec.id, 'ready')
  const at = `http://127.0.0.1:${replica.port}`
  const tell = (path: string) => fetch(`${at}${path}`, { method: 'POST' }).catch(() => null)
  return { id: spec.id, replica, at, tell }
}

/** Asked again and again, as the controller does. */
const untilState = (
  provider: Pick<Provider, 'look' | 'sleep' | 'wake'>,
  id: string,
  what: 'sleep' | 'wake',
  where: (replica: ReplicaSeen) => boolean,
) =>
  eventually(
    `${id} to be so after ${what}`,
    async () => {
      await provider[what](id)
      const replica = provider.look().find((one) => one.id === id)
      return replica !== undefined && where(replica) && replica
    },
    () => provider.look(),
  )

test('it sleeps and wakes, the same process all the while, and is not taken for dead meanwhile', async () => {
  await withProvider(async (provider, { journal }) => {
    const { id, replica, at } = await started(provider)
    await provider.sleep(id)
    await eventuallySeen(provider, id, 'asleep', isDown)
    assert.deepEqual(await askJson(`${at}/is_sleeping`), { is_sleeping: true })
    assert.equal(journal.all()[0]!.asleep, true)
    // Longer than its liveness would have borne.
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(provider.look()[0]!.state.name, 'asleep')
    await provider.wake(id)
    const awake = await eventuallySeen(provider, id, 'ready')
    assert.deepEqual([awake.pid, awake.restarts], [replica.pid, 0])
    assert.equal(journal.all()[0]!.asleep, false)
    assert.deepEqual(await askJson(`${at}/is_sleeping`), { is_sleeping: false })
  })
})

test('one that refuses to sleep stays ready and says why; asked again it sleeps', async () => {
  await withProvider(async (provider) => {
    const { id, tell } = await started(provider)
    await tell('/refuse?sleep=1')
    await provider.sleep(id)
    const refused = await eventuallySeen(provider, id, 'ready', (one) => becauseOf(one) !== '')
    assert.equal(becauseOf(refused), 'POST /sleep?level=1 answered 500')
    await untilState(provider, id, 'sleep', (one) => one.state.name === 'asleep' && isDown(one))
  })
})

test('what answers before it has let go is asleep once it is refused, and not where it never is', async () => {
  await withProvider(async (provider) => {
    const steps = (path: string, withinS: number): Sleep => ({
      down: [...sleep.down, { method: 'GET', path, until: 'refused' }],
      up: sleep.up,
      withinS,
    })
    const { id, at } = await started(provider, { sleep: steps('/held', 30) })
    await provider.sleep(id)
    await eventuallySeen(provider, id, 'asleep', isDown)
    assert.equal((await fetch(`${at}/held`)).status, 404)
    const { id: never } = await started(provider, { sleep: steps('/is_sleeping', 0.3) })
    await provider.sleep(never)
    const seen = await eventuallySeen(provider, never, 'ready', (one) => becauseOf(one) !== '')
    assert.match(becauseOf(seen), /^GET \/is_sleeping.*: not done within 0\.3 s$/)
  })
})

test('one that does not wake says why, and is started anew when it fails three times', async () => {
  await withProvider(async (provider) => {
    const { id, replica, tell } = await started(provider)
    await provider.sleep(id)
    await eventuallySeen(provider, id, 'asleep', isDown)
    await tell('/refuse?wake_up=99')
    const reasons = new Set<string>()
    provider.changed(() => reasons.add(becauseOf(provider.look()[0]!)))
    const anew = await untilState(
      provider,
      id,
      'wake',
      ({ state, pid }) => state.name === 'ready' && pid !== replica.pid,
    )
    assert.equal(anew.restarts, 1)
    assert.ok(reasons.has('POST /wake_up answered 500'), [...reasons].join('\n'))
    assert.ok([...reasons].some((one) => one.startsWith('it did not wake up, 3 times')))
  })
})

/** Programs, run in a directory of theirs. */
const byPrograms = (
  down: string[],
  { up = ['true'], withinS = 10, directory = '/' } = {},
): Sleep => {
  const env = { LEVEL: 'deep' }
  return { down: [{ run: down, directory, env }], up: [{ run: up, directory, env }], withinS }
}

test('it sleeps and wakes by two programs, which are told which replica it is', async () => {
  await withProvider(async (provider) => {
    const told = `test "$LEVEL $PORT $1" = "deep $2 127.0.0.1" && kill -USR2 "$0"`
    const run = ['sh', '-c', told, '{pid}', '{host}', '{port}']
    const { id, at } = await started(provider, { sleep: byPrograms(run, { up: run }) })
    const isSleeping = async () =>
      ((await askJson(`${at}/is_sleeping`)) as { is_sleeping: boolean }).is_sleeping
    await provider.sleep(id)
    await eventuallySeen(provider, id, 'asleep', isDown)
    await eventually('the server to sleep', isSleeping, () => provider.look())
    await provider.wake(id)
    await eventuallySeen(provider, id, 'ready')
    assert.equal(await isSleeping(), false)
  })
})

test('a program that fails, is not there, or takes too long leaves it ready, and nothing of it behind', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-sleep-'))
  try {
    await withProvider(async (provider) => {
      for (const [run, expected] of [
        [['sh', '-c', 'echo no device >&2; exit 3'], /^sh ended with exit code 3 \(no device\)$/],
        [['./nobody'], /^cannot run \.\/nobody in .*ENOENT/],
        [
          ['sh', '-c', 'sleep 600 & echo $! > child; wait'],
          /^sh was ended with its process group: not done within 0\.5 s$/,
        ],
      ] as const) {
        const change = { sleep: byPrograms([...run], { withinS: 0.5, directory }) }
        const { id } = await started(provider, change)
        await provider.sleep(id)
        const seen = await eventuallySeen(provider, id, 'ready', (one) => becauseOf(one) !== '')
        assert.match(becauseOf(seen), expected)
      }
      const child = Number(readFileSync(join(directory, 'child'), 'utf8'))
      await eventually(
        'its child to be ended too',
        () => identityOf(child) === null,
        () => child,
      )
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('one that dies in its sleep is started again, and is awake', async () => {
  await withProvider(async (provider) => {
    const { id, replica } = await started(provider)
    await provider.sleep(id)
    await eventuallySeen(provider, id, 'asleep', isDown)
    process.kill(replica.pid!, 'SIGKILL')
    const anew = await eventuallySeen(provider, id, 'ready', ({ restarts }) => restarts === 1)
    assert.notEqual(anew.pid, replica.pid)
  })
})

test('its GPU slot is leased meanwhile: it does not wake until that is given back, and reserves nothing', async () => {
  await withProvider(
    async (provider, { journal }) => {
      const { id } = await started(provider, { sleep, gpus: 1 })
      const find = (one: string) => provider.look().find((seen) => seen.id === one)
      const other = specOf(fixture('serves.js'), { gpus: 1, leases: true })
      await provider.sleep(id)
      await eventuallySeen(provider, id, 'asleep', isDown)
      await provider.start(other)
      await eventuallySeen(provider, other.id, 'ready')
      assert.deepEqual([find(id)!.lentTo, find(other.id)!.leasedFrom], [[other.id], [id]])
      await provider.wake(id)
      assert.equal(becauseOf(find(id)!), `its GPU slots are leased to ${other.id}`)
      await provider.stop(other.id)
      await untilState(provider, id, 'wake', ({ state }) => state.name === 'ready')
      const { spells } = journal.all().find(({ spec }) => spec.id === id)!
      assert.deepEqual(
        spells!.map(({ is }) => is),
        ['asleep', 'lent', 'asleep', 'awake'],
      )
    },
    { gpuSlots: [0] },
  )
})

test('a controller that comes back finds it asleep, and can wake it', async () => {
  await withProvider(async (provider, bench) => {
    const { id, replica } = await started(provider)
    await provider.sleep(id)
    await eventuallySeen(provider, id, 'asleep', isDown)
    await provider.close()
    const next = bench.provider()
    try {
      await next.open()
      assert.equal(next.look()[0]!.state.name, 'asleep')
      await next.wake(id)
      const awake = await eventuallySeen(next, id, 'ready')
      assert.equal(awake.pid, replica.pid)
    } finally {
      await next.close()
    }
  })
})

test('one of which nobody said how it sleeps stays as it is, and says so', async () => {
  await withProvider(async (provider) => {
    const { id } = await started(provider, {})
    await provider.sleep(id)
    assert.match(becauseOf(provider.look()[0]!), /environment\.sleep/)
    assert.equal(provider.look()[0]!.state.name, 'ready')
  })
})

test("somebody else's server sleeps and wakes too, and is asked on and on", async () => {
  const state = { asleep: false, refuses: 0 }
  const server = createServer((request, response) => {
    const isWake = request.url === '/wake_up'
    if (isWake && state.refuses-- > 0) return void response.writeHead(500).end()
    if (isWake || request.url?.startsWith('/sleep')) state.asleep = !isWake
    response.writeHead(state.asleep && request.url === '/' ? 503 : 200).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const places = [{ host: '127.0.0.1', port }]
  const journal = journalFake<ExternalSpec>()
  const provider = externalProvider({ journal, log: silentLog })
  try {
    await provider.open()
    const spec: ExternalSpec = {
      ...looksOf(),
      provider: 'external',
      places: { blue: places, green: [] },
      sleep,
    }
    await provider.start(spec)
    await eventuallySeen(provider, spec.id, 'ready')
    await provider.sleep(spec.id)
    await eventuallySeen(provider, spec.id, 'asleep', isDown)
    assert.equal(state.asleep, true)
    state.refuses = 1
    await untilState(provider, spec.id, 'wake', (one) => becauseOf(one).includes('answered 500'))
    const awake = await untilState(provider, spec.id, 'wake', (one) => one.state.name === 'ready')
    assert.equal(awake.restarts, 0)
  } finally {
    await provider.close()
    server.closeAllConnections()
    server.close()
  }
})
