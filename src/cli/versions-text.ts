/** Versions, what differs between two, and aliases, in words. */
import type {
  AliasesView,
  DiffView,
  RemovedVersion,
  VersionLine,
  VersionsView,
  VersionView,
} from '../api/shapes.ts'
import { time } from './describe.ts'
import { count, firstLine, paint, table } from './output.ts'

/** Of a digest, beside others. */
const shortDigest = 'sha256:'.length + 12
const filesShown = 50

export function versionsText({ service, versions }: VersionsView): string {
  const rows = table(
    versions.map((line) => [
      paint('bold', line.version),
      line.digest === null ? 'not registered yet' : line.digest.slice(0, shortDigest),
      line.registeredAt === null ? '' : time(line.registeredAt),
      marks(line),
    ]),
  )
  const lines = versions.flatMap((line, index) => [
    rows[index]!,
    ...about(line).map((text) => `  ${text}`),
  ])
  const text = lines.length === 0 ? `${service} has no version.` : lines.join('\n')
  return `${text}\nNext: beryl versions ${service} show VERSION`
}

export function versionText(view: VersionView): string {
  const { service, version, digest, registeredAt, files, args, env, releases } = view
  const lines = [`${paint('bold', version)} of ${service}  ${marks(view)}`.trimEnd()]
  lines.push(
    digest === null
      ? '  digest    not registered yet: this is what it would be now'
      : `  digest    ${digest}, registered ${time(registeredAt!)}`,
    ...about(view).map((text) => `  ${text}`),
  )
  if (args.length > 0) lines.push(`  args      ${args.join(' ')}`)
  if (env.length > 0) lines.push(`  env       ${env.join(', ')}`)
  const size = files.reduce((sum, file) => sum + file.size, 0)
  lines.push(`  files     ${count(files.length, 'file')}, ${bytes(size)}`)
  for (const file of files.slice(0, filesShown))
    lines.push(`    ${fileName(file)}  ${bytes(file.size)}  sha256:${file.sha256}`)
  if (files.length > filesShown)
    lines.push(`    and ${files.length - filesShown} more: --json lists all`)
  lines.push(`  releases  ${releases.length === 0 ? 'none yet' : releases.length}`)
  lines.push(
    ...table(
      releases.map(({ id, kind, at, by, alias, phase, because }) => [
        `    ${id}`,
        time(at),
        kind,
        `by ${by}${alias === null ? '' : ` as @${alias}`}`,
        `${phase}${because === null ? '' : `: ${firstLine(because)}`}`,
      ]),
    ),
  )
  const next =
    view.inManifest || view.added !== null
      ? `beryl plan ${service} ${version}`
      : `beryl versions ${service}   (the manifest names no ${version}: it cannot be deployed)`
  return `${lines.join('\n')}\nNext: ${next}`
}

export function diffText({ service, from, to, files, same, args, env, expects }: DiffView): string {
  const lines = [`${paint('bold', service)}  ${from} → ${to}`]
  for (const { key, path, from: old, to: new_ } of files) {
    const sizes = [old, new_].map((one) => (one === null ? 'nothing' : bytes(one.size)))
    const digests = [old, new_].map((one) => one?.sha256.slice(0, 12) ?? 'none')
    const what = old === null ? 'added' : new_ === null ? 'removed' : 'changed'
    lines.push(
      `  file      ${fileName({ key, path })} ${what}: ${sizes.join(' → ')} (${digests.join(' → ')})`,
    )
  }
  lines.push(`  files     ${count(files.length, 'file')} of ${files.length + same} differ`)
  if (args !== null)
    lines.push(`  args      ${args.from.join(' ') || 'none'} → ${args.to.join(' ') || 'none'}`)
  for (const { name, change } of env) lines.push(`  env       ${name} ${change}`)
  for (const { name, from: old, to: new_ } of expects)
    lines.push(`  expects   ${name}: ${old ?? 'nothing'} → ${new_ ?? 'nothing'}`)
  const isSame = files.length + env.length + expects.length === 0 && args === null
  if (isSame) lines.push('  nothing differs but the name')
  return `${lines.join('\n')}\nNext: beryl plan ${service} ${to}`
}

export function removedText({ service, version, digest }: RemovedVersion): string {
  return `${version} of ${service} left the registry. Its name keeps ${digest.slice(0, shortDigest)}…, and its files stay where they are.\nNext: beryl versions ${service}`
}

/** @param name of one alias; null: all of them */
export function aliasesText(
  { service, aliases, history }: AliasesView,
  name: string | null,
): string {
  const shown = aliases.filter((one) => name === null || one.name === name)
  const past = history.filter((one) => name === null || one.name === name)
  const lines = table(
    shown.map(({ name: alias, version, computed }) => [
      paint('bold', `@${alias}`),
      version,
      ...(computed ? ['(always: by what is live)'] : []),
    ]),
  )
  if (shown.length === 0)
    lines.push(name === null ? `${service} has no alias yet` : `@${name} means nothing now`)
  if (past.length > 0) lines.push('history')
  lines.push(
    ...table(
      past.map(({ name: alias, from, to, at, by, reason }) => [
        `  ${time(at)}`,
        `@${alias}: ${from ?? 'nothing'} → ${to ?? 'nothing'}`,
        `by ${by}${reason === null ? '' : `: ${firstLine(reason)}`}`,
      ]),
    ),
  )
  const own = shown.find(({ computed }) => !computed)?.name
  const next =
    own === undefined
      ? `beryl versions ${service} alias NAME VERSION --reason WHY`
      : `beryl deploy ${service} @${own} --wait`
  return `${lines.join('\n')}\nNext: ${next}`
}

function marks({ roles, aliases }: VersionLine): string {
  return [...roles, ...aliases.map((alias) => `@${alias}`)].join(', ')
}

function about({ notes, expects, inManifest, added, source }: VersionLine): string[] {
  const expected = Object.entries(expects).map(([name, score]) => `${name} ${score}`)
  return [
    ...(notes === null ? [] : [`notes     ${firstLine(notes)}`]),
    ...(expected.length === 0 ? [] : [`expects   ${expected.join(', ')}`]),
    ...sourceText(source),
    ...(added === null ? [] : [`added     by ${added.by}, beside the manifest`]),
    ...(inManifest || added !== null ? [] : ['manifest  does not name it any more']),
  ]
}

function sourceText(source: VersionLine['source']): string[] {
  if (source === null) return []
  const { commit, run, mlflow } = source
  const from = [
    ...(commit === null ? [] : [`commit ${commit}`]),
    ...(run === null ? [] : [`run ${run}`]),
    ...(mlflow === null
      ? []
      : [
          `MLflow ${mlflow.url}: version ${mlflow.version} of ${mlflow.model}${mlflow.alias === null ? '' : ` (@${mlflow.alias} then)`}`,
        ]),
  ]
  return [`source    ${from.join(', ')}`]
}

function fileName({ key, path }: { key: string; path: string }): string {
  return path === '' ? key : `${key}/${path}`
}

function bytes(size: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const unit = size < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(size) / 10))
  const value = size / 1024 ** unit
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
