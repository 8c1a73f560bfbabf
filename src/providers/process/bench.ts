/** For tests only: providers on one journal in one temporary directory, and the end of everything they started. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench } from '../provider.contract.ts'
import type { ProcessSpec, Provider } from '../provider.ts'
import type { StartedKind } from '../starting-provider.contract.ts'
import { eventually, journalFake, silentLog, specOf } from '../testing.ts'
import { killSession } from './end-session.ts'
import { marked } from './marks.ts'
import { processProvider } from './process-provider.ts'
import type { ProcessProviderOptions } from './process-provider.ts'

const commands: Record<StartedKind, readonly string[]> = {
  serves: fixture('serves.js'),
  'never ready': fixture('never-ready.js'),
  'crashes at start': fixture('crashes-at-start.js'),
  'ignores SIGTERM': fixture('serves.js', '--ignore-term'),
}

export type ProcessBench = Awaited<ReturnType<typeof processBench>>

export async function processBench(options: Partial<ProcessProviderOptions> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'beryl-provider-'))
  const file = join(directory, 'journal.json')
  const journal = journalFake(file)
  return {
    directory,
    journal,
    journalFile: file,
    logDirectory: join(directory, 'logs'),
    provider: () =>
      processProvider({
        journal,
        logDirectory: join(directory, 'logs'),
        gpuSlots: [0, 1],
        log: silentLog,
        ...options,
      }),
    spec: (kind, change) =>
      specOf(commands[kind], {
        ...(kind === 'ignores SIGTERM' ? { stopGraceS: 0.4 } : {}),
        ...change,
      }),
    ask: ({ host, port }) => askJson(`http://${host}:${port}/`),
    failJournal: (message) => journal.failWith(message),
    dispose: async () => {
      const ids = new Set(
        [...journal.everything(), ...journalFake(file).everything()].map(({ spec }) => spec.id),
      )
      for (const id of ids) killSession({ id, identity: null })
      await eventually('every process to end', () =>
        [...ids].every((id) => marked(id).length === 0),
      )
      await rm(directory, { recursive: true, force: true })
    },
  } satisfies Bench<ProcessSpec, StartedKind> & Record<string, unknown>
}

/** For one test: a bench with an open provider; afterwards nothing of either is left. */
export async function withProvider(
  act: (provider: Provider<ProcessSpec>, bench: ProcessBench) => Promise<void>,
  options: Partial<ProcessProviderOptions> = {},
): Promise<void> {
  const bench = await processBench(options)
  const provider = bench.provider()
  try {
    await provider.open()
    await act(provider, bench)
  } finally {
    await provider.close()
    await bench.dispose()
  }
}

export function fixture(name: string, ...args: string[]): readonly string[] {
  return [process.execPath, fileURLToPath(new URL(`fixtures/${name}`, import.meta.url)), ...args]
}

export async function askJson<T = unknown>(url: string): Promise<T | null> {
  try {
    const signal = AbortSignal.timeout(2000)
    const response = await fetch(url, { signal, headers: { connection: 'close' } })
    return (await response.json()) as T
  } catch {
    return null
  }
}
