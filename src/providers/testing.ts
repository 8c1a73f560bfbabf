/** For tests only: a journal, specs and patience. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Labels,
  Looks,
  ProcessSpec,
  Provider,
  ReplicaJournal,
  ReplicaRecord,
  ReplicaSeen,
} from './provider.ts'

export type JournalFake<Spec> = ReplicaJournal<Spec> & {
  /** Those that have ended too. */
  everything(): readonly ReplicaRecord<Spec>[]
  /** From now on every write fails with this message; null: no more. */
  failWith(message: string | null): void
}

/** A fake journal: in memory, or in a file that outlives its process. */
export function journalFake<Spec extends Labels = ProcessSpec>(file?: string): JournalFake<Spec> {
  const records = new Map<string, ReplicaRecord<Spec>>()
  let failure: string | null = null
  if (file !== undefined && existsSync(file))
    for (const record of JSON.parse(readFileSync(file, 'utf8')) as ReplicaRecord<Spec>[])
      records.set(record.spec.id, record)
  return {
    everything: () => [...records.values()],
    all: () => [...records.values()].filter(({ endedAt }) => endedAt === null),
    put: (record) => {
      if (failure !== null) throw new Error(failure)
      records.set(record.spec.id, structuredClone(record))
      if (file === undefined) return
      writeFileSync(`${file}.new`, JSON.stringify([...records.values()]))
      renameSync(`${file}.new`, file)
    },
    failWith: (message) => void (failure = message),
  }
}

export const silentLog = { info: () => {}, warn: () => {}, error: () => {} }

let specs = 0

/** Labels and short limits; ids are unique over test processes too, since replicas are found by them. */
export function looksOf(): Labels & Looks {
  return {
    id: `tiny-blue-r1-${process.pid}-${Date.now().toString(36)}-${specs++}`,
    service: 'tiny',
    environment: 'blue',
    release: 'r1',
    version: 'v1',
    digest: 'sha256:00',
    ready: { path: '/', withinS: 10 },
    alive: { path: '/', everyS: 0.05, timeoutS: 0.5, failures: 3 },
  }
}

export function specOf(command: readonly string[], change: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    ...looksOf(),
    provider: 'process',
    command,
    env: {},
    directory: process.cwd(),
    gpus: 0,
    stopGraceS: 5,
    ...change,
  }
}

const patienceMs = 30_000
const pollMs = 10

/** Polls until there is something to answer. @throws with what was seen last, after ten seconds */
export async function eventually<T>(
  what: string,
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  last: () => unknown = () => undefined,
): Promise<T> {
  const until = performance.now() + patienceMs
  for (;;) {
    const found = await look()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > until)
      throw new Error(
        `waited ${patienceMs} ms for ${what}; seen instead: ${JSON.stringify(last())}`,
      )
    await sleep(pollMs)
  }
}

export function eventuallySeen(
  provider: Pick<Provider, 'look'>,
  id: string,
  state: ReplicaSeen['state']['name'],
  where: (replica: ReplicaSeen) => boolean = () => true,
): Promise<ReplicaSeen> {
  const find = () => provider.look().find((replica) => replica.id === id)
  return eventually(
    `${id} to be ${state}`,
    () => {
      const replica = find()
      return replica !== undefined && replica.state.name === state && where(replica) && replica
    },
    find,
  )
}
