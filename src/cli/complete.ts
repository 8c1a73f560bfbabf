/** What may come next on a command line, as the shell's completion asks it: commands, options, services, versions, releases. */
import { apiClient, reach } from '../api/client.ts'
import type { ApiClient } from '../api/client.ts'
import type { Command } from 'commander'

/** A shell waits for it with every key. */
const patienceMs = 1500
const releasesShown = 20

/** @param words behind `beryl`; the last one is the one that is being typed, and may be empty */
export async function complete(program: Command, words: readonly string[]): Promise<string[]> {
  const typed = words.at(-1) ?? ''
  const before = words.slice(0, -1)
  const name = before.find((word) => !word.startsWith('-'))
  const command = program.commands.find((one) => one.name() === name)
  const found = await candidates(program, command, before, typed)
  return found.filter((one) => one.startsWith(typed)).toSorted()
}

async function candidates(
  program: Command,
  command: Command | undefined,
  before: readonly string[],
  typed: string,
): Promise<string[]> {
  const options = [...program.options, ...(command?.options ?? [])]
  if (typed.startsWith('-')) return options.flatMap(({ long }) => long ?? [])
  const last = options.find(({ long, short }) => before.at(-1) === long || before.at(-1) === short)
  // Behind an option with a value comes the value: files are the shell's.
  if (last?.required === true) return last.long === '--to' ? names(before, 'version') : []
  if (command === undefined)
    return before.every((word) => word.startsWith('-'))
      ? program.commands.map((one) => one.name())
      : []
  const given = before
    .slice(before.indexOf(command.name()) + 1)
    .filter((word) => !word.startsWith('-'))
  const argument =
    command.registeredArguments[Math.min(given.length, command.registeredArguments.length - 1)]
  if (argument === undefined) return []
  if (argument.name() === 'action') return actions[command.name()] ?? []
  if (argument.name() === 'shell') return ['bash', 'zsh', 'fish']
  return names(given, argument.name())
}

const actions: Record<string, string[]> = {
  capture: ['list', 'export', 'import', 'purge'],
  notifications: ['list', 'retry'],
  record: ['show', 'export'],
  token: ['create', 'list', 'revoke'],
  versions: ['list', 'show', 'diff', 'alias', 'add', 'remove'],
}

/** From a Beryl that runs here; nothing where none does. */
async function names(given: readonly string[], what: string): Promise<string[]> {
  try {
    const api = apiClient(reach({}))
    return await Promise.race([
      namesIn(api, given, what),
      new Promise<string[]>((resolve) => setTimeout(() => resolve([]), patienceMs).unref()),
    ])
  } catch {
    return []
  }
}

async function namesIn(api: ApiClient, given: readonly string[], what: string): Promise<string[]> {
  if (what === 'version' || what === 'names') {
    const service = given.find((word) => !word.startsWith('-'))
    if (service === undefined) return []
    const { versions } = await api.versions(service)
    return versions.flatMap(({ version, aliases }) => [
      version,
      ...aliases.map((alias) => `@${alias}`),
    ])
  }
  const services = (await api.services()).map(({ service }) => service)
  if (what === 'service') return services
  if (!what.startsWith('release')) return []
  const all = await Promise.all(services.slice(0, 20).map((one) => api.history(one, releasesShown)))
  const ids = all.flat().map(({ id }) => id)
  return what === 'release' ? ids : [...services, ...ids]
}
