/** `beryl versions`: the registry, what differs between two versions, and the names that people give them. */
import { apiClient, reach } from '../../api/client.ts'
import type { AliasesView } from '../../api/shapes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'
import { aliasesText, diffText, removedText, versionsText, versionText } from '../versions-text.ts'
import { toAdd } from './add-version.ts'
import type { AddOptions } from './add-version.ts'

export type VersionsOptions = { reason?: string; remove?: true } & AddOptions

/** How many names each action takes, at least and at most. */
const actions: Record<string, { takes: string; names: readonly [number, number] }> = {
  list: { takes: '', names: [0, 0] },
  show: { takes: ' VERSION', names: [1, 1] },
  diff: { takes: ' VERSION VERSION', names: [2, 2] },
  add: { takes: ' NAME', names: [1, 1] },
  remove: { takes: ' VERSION', names: [1, 1] },
  alias: { takes: ' [NAME [VERSION]]', names: [0, 2] },
}

export async function versions(
  globals: Globals,
  service: string,
  action: string,
  names: readonly string[],
  options: VersionsOptions,
): Promise<number> {
  check(service, action, names, options)
  const api = apiClient(reach(globals))
  const [first = '', second = ''] = names
  if (action === 'list') {
    const view = await api.versions(service)
    say(globals.json, view, versionsText(view))
  } else if (action === 'show') {
    const view = await api.version(service, first)
    say(globals.json, view, versionText(view))
  } else if (action === 'diff') {
    const view = await api.diff(service, first, second)
    say(globals.json, view, diffText(view))
  } else if (action === 'add') {
    const view = await api.addVersion(service, toAdd(service, first, options))
    say(globals.json, view, versionText(view))
  } else if (action === 'remove') {
    const gone = await api.removeVersion(service, first)
    say(globals.json, gone, removedText(gone))
  } else {
    const view = await aliased()
    say(globals.json, view, aliasesText(view, nameOf(first) || null))
  }
  return exitCodes.done

  function aliased(): Promise<AliasesView> {
    const { reason, remove } = options
    if (remove) return api.removeAlias(service, nameOf(first), reason)
    if (second !== '') return api.setAlias(service, nameOf(first), { version: second, reason })
    return api.aliases(service)
  }
}

/** `@champion` is what one types everywhere else. */
function nameOf(typed: string): string {
  return typed.replace(/^@/, '')
}

/** Before anything is asked: what was half understood must not half happen. */
function check(
  service: string,
  action: string,
  names: readonly string[],
  { reason, remove, ...adding }: VersionsOptions,
): void {
  const known = Object.hasOwn(actions, action) ? actions[action]! : null
  if (known === null) throw usage(service, `there is no versions ${action}`)
  const [least, most] = known.names
  if (names.length < least || names.length > most)
    throw usage(
      service,
      `beryl versions ${service} ${action}${known.takes}: came ${names.length === 0 ? 'no name' : names.join(' ')}`,
    )
  if (names.includes('')) throw usage(service, 'a name is empty')
  if (remove && (action !== 'alias' || names.length !== 1))
    throw usage(service, '--remove takes one alias away: its name, and no version')
  const [stray] = Object.keys(adding)
  if (stray !== undefined && action !== 'add')
    throw usage(
      service,
      `--${stray.replace(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)} goes with add`,
    )
  if (reason !== undefined && !(action === 'alias' && (remove || names.length === 2)))
    throw usage(service, '--reason goes with an alias that is set or removed')
}

function usage(service: string, title: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: 'usage',
    title,
    hint: `beryl versions ${service} [list | show VERSION | diff VERSION VERSION | add NAME | remove VERSION | alias NAME VERSION | alias NAME --remove]`,
  })
}
