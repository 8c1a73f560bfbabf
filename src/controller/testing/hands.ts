/**
 * For tests only: a controller's hands over a real journal. Gateway, provider and examiner are fakes of our own: they keep to
 * what the real ones promise, and remember what they were asked.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import type { GatewayClient } from '../../gateway/client.ts'
import type { GatewayState, ServiceTable, Stored } from '../../gateway/control.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Provider, ReplicaSeen } from '../../providers/provider.ts'
import type { Environment, Now, Phase, Placed, Release, Service } from '../../release/release.ts'
import { plainRules } from '../../release/testing/plain.ts'
import { openDatabase } from '../../storage/database.ts'
import { servicesIn } from '../../storage/services.ts'
import { openStore } from '../../storage/store.ts'
import type { Plan } from '../plan.ts'
import type { ControllerStore } from '../store.ts'

export const since: Now = { wall: 1_800_000_000_000, up: 1000 }

export function bundleOf(version: string, release: string): Placed {
  return { version, digest: `sha256:${version}`, replicas: 1, release }
}

export function releaseOf(phase: Phase, change: Partial<Release> = {}): Release {
  const { release: id, ...bundle } = bundleOf('b', 'r2')
  return {
    id,
    service: 'tiny',
    kind: 'deploy',
    bundle,
    from: bundleOf('a', 'r1'),
    rules: plainRules,
    by: 'ann',
    at: since.wall,
    step: 5,
    phase,
    paused: null,
    approvals: [],
    skipped: [],
    accepted: null,
    ...change,
  }
}

/** `a` was live on blue; `b` has gone live on green at generation 4, with 5 prepared as the way back. */
export function switched(release: Release): Service {
  return {
    name: 'tiny',
    generation: 5,
    back: 5,
    colour: 'green',
    live: bundleOf('b', 'r2'),
    standby: bundleOf('a', 'r1'),
    release,
    queued: null,
  }
}

const plan = {
  rules: plainRules,
  template: {
    ready: { path: '/', withinS: 1 },
    alive: { path: '/', everyS: 1, timeoutS: 1, failures: 3 },
  },
  gates: {},
  price: null,
} as unknown as Plan

const event = {
  at: 0,
  service: 'tiny',
  release: null,
  kind: 'command',
  by: 'test',
  text: 'begins',
  data: {},
}

/** A journal in a directory of its own that holds one service. Its disk can be full. */
export function journal(service: Service, price: Plan['price'] = null) {
  const directory = mkdtempSync(join(tmpdir(), 'beryl-controller-'))
  const file = join(directory, 'beryl.db')
  const database = openDatabase(file)
  const whole = openStore(file) as ControllerStore
  const store = { ...whole, services: servicesIn<Plan>(database) }
  after(() => {
    database.close()
    whole.close()
    rmSync(directory, { recursive: true })
  })
  const stored = store.services.create(service, event)
  const known = [service.release, service.queued].filter((one) => one !== null)
  const first = releaseOf({ name: 'finished', since, because: '' }, { id: 'r1' })
  store.services.save(stored, {
    releases: [],
    added: [first, ...known].map((release) => ({ release, plan: { ...plan, price } })),
    events: [],
  })
  const pagesNow = () => Number(database.prepare('PRAGMA page_count').get()!['page_count'])
  return {
    store,
    /** Not one page more: what needs one is refused as on a full disk (SQLITE_FULL). */
    full: () => database.exec(`PRAGMA max_page_count = ${pagesNow()}`),
    room: () => database.exec('PRAGMA max_page_count = 1000000'),
  }
}

export function tableOf(generation: number, live: Environment): ServiceTable {
  const place = (version: string, release: string) => ({
    version,
    release,
    replicas: [{ id: `${version}-1`, host: '127.0.0.1', port: version === 'a' ? 1 : 2 }],
  })
  return {
    service: 'tiny',
    route: { host: null, path: '/' },
    generation,
    live,
    preview: null,
    environments: { blue: place('a', 'r1'), green: place('b', 'r2') },
  }
}

/** Refuses what the real one refuses: old generations, a way back that was not prepared, forgetting what is in use. */
export function gatewayFake(table: ServiceTable, back: ServiceTable | null = null) {
  const fake = {
    table,
    back,
    asked: [] as string[],
    inFlight: { blue: 0, green: 0 },
    /** Called at the beginning of each change. */
    before: (_what: string) => {},
  }
  const refuse = (code: string) => {
    throw new ProblemError({ status: 409, code, title: code })
  }
  const ask = (what: string) => {
    fake.asked.push(what)
    fake.before(what)
  }
  const store = (next: ServiceTable, prepared: ServiceTable | null): Stored => {
    fake.table = next
    fake.back = prepared
    const { generation } = next
    return { generation, at: since.wall, prepareMs: 1, syncMs: 1, storeMs: 1, durable: true }
  }
  const client = {
    state: async (): Promise<GatewayState> => ({
      run: 'run',
      pid: 1,
      version: '0',
      settings: '',
      isListening: true,
      leaving: null,
      startedAt: 0,
      secure: false,
      listen: { host: '127.0.0.1', port: 1 },
      preview: null,
      workers: 1,
      services: {
        tiny: {
          generation: fake.table.generation,
          live: fake.table.live,
          back: fake.back?.generation ?? null,
          backSplit: fake.back?.split ?? null,
          table: fake.table,
          inFlight: { ...fake.inFlight },
          waiting: { blue: 0, green: 0 },
          replicas: {},
          tapped: { asked: 0, allowed: 0, sent: 0, missed: 0 },
          assigned: 0,
          void: 0,
        },
      },
    }),
    putTable: async (_: string, { table: next, back: prepared }) => {
      ask(`put ${next.generation}`)
      if (next.generation <= fake.table.generation) refuse('stale-generation')
      return store(next, prepared)
    },
    back: async (_: string, { generation }) => {
      ask(`back ${generation}`)
      if (fake.back?.generation !== generation) refuse('not-prepared')
      return store(fake.back!, null)
    },
    forget: async (_: string, { environment, generation }) => {
      ask(`forget ${environment}`)
      if (generation !== fake.table.generation) refuse('stale-generation')
      if (fake.table.live === environment) refuse('live')
      if (fake.inFlight[environment] > 0) refuse('in-flight')
      fake.table = {
        ...fake.table,
        environments: { ...fake.table.environments, [environment]: null },
      }
      fake.back = null
      return null
    },
    cut: async () => ({ cut: [] }),
    tap: async () => null,
    open: async () => ({ open: [], more: 0 }),
    metrics: async () => ({
      run: 'run',
      inherited: [],
      workers: 1,
      services: {},
      rows: [],
      refused: {},
      unreadable: {},
      copies: {},
      ejections: {},
      taps: {},
      accessDropped: 0,
      spans: null,
    }),
    observations: async (run: string) => ({ run, next: 0, items: [], gaps: [] }),
  } satisfies GatewayClient
  return Object.assign(fake, { client })
}

export function replicaOf(version: 'a' | 'b'): ReplicaSeen {
  const blue = version === 'a'
  return {
    provider: 'process',
    id: `${version}-1`,
    service: 'tiny',
    environment: blue ? 'blue' : 'green',
    release: blue ? 'r1' : 'r2',
    version,
    digest: `sha256:${version}`,
    host: '127.0.0.1',
    port: blue ? 1 : 2,
    pid: null,
    gpus: [],
    startedAt: since.wall,
    endedAt: null,
    restarts: 0,
    state: { name: 'ready' },
  }
}

export function providerFake(...replicas: ReplicaSeen[]) {
  const fake = { replicas, asked: [] as string[], before: (_what: string) => {} }
  const provider: Provider = {
    open: async () => {},
    look: () => fake.replicas,
    start: async ({ id }) => {
      fake.asked.push(`start ${id}`)
      fake.before('start')
    },
    stop: async (id) => {
      fake.asked.push(`stop ${id}`)
      fake.replicas = fake.replicas.filter((one) => one.id !== id)
    },
    sleep: async (id) => void fake.asked.push(`sleep ${id}`),
    wake: async (id) => void fake.asked.push(`wake ${id}`),
    lastLines: async () => [],
    slots: () => [],
    changed: () => () => {},
    close: async () => {},
  }
  return Object.assign(fake, { provider })
}

const patienceMs = 30_000

/** Waits for something to become true; each look gives the loop a turn. */
export async function until(what: string, look: () => boolean): Promise<void> {
  const end = performance.now() + patienceMs
  while (!look()) {
    assert.ok(performance.now() < end, `waited ${patienceMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
