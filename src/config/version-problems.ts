/** What no schema can say of one version: files that must exist, placeholders that must mean something, scores that can be reached. */
import { resolve } from 'node:path'
import type { CrossProblem } from './cross-problem.ts'
import { startedByOthers } from './external.ts'
import { gatesOf } from './gates.ts'
import type { NamedGate } from './gates.ts'
import type { ServiceManifest, VersionManifest } from './manifest.ts'
import { fileKeys } from './manifest.ts'
import { nearest } from './nearest.ts'
import { notThere } from './not-there.ts'
import { isReference, unpinned } from './reference.ts'
import { scoreName } from './scores.ts'

/** The same for one that the manifest names, and for one that was added beside it. @param at of the service */
export async function versionProblems(
  at: string[],
  service: ServiceManifest,
  version: string,
  content: VersionManifest,
  directory: string,
): Promise<CrossProblem[]> {
  const here = [...at, 'versions', version]
  const files: CrossProblem[] = []
  for (const key of fileKeys) {
    const named = content[key]
    if (named !== undefined) files.push(...(await reachable([...here, key], named, directory)))
  }
  return [
    ...files,
    ...placeholders(at, service, version, content),
    ...sleepPlaceholders(at, service, version, content),
    ...unheard(at, service, version, content),
    ...impossible(at, service, version, content),
    ...startedByOthers(here, service, content),
  ]
}

/** A golden set without a limit of its own holds a version to what it is expected to score, or to nothing. */
export function judges({ name, gate }: NamedGate, { expects }: VersionManifest): boolean {
  if (!('goldenSet' in gate)) return true
  const { score, atLeast, atMost, noWorseBy, perSlice } = gate.goldenSet
  const isLimited = [atLeast, atMost, noWorseBy, perSlice].some((one) => one !== undefined)
  return isLimited || (expects[name] ?? expects[scoreName(score)]) !== undefined
}

function reachable(path: string[], named: string, directory: string): Promise<CrossProblem[]> {
  if (!isReference(named)) return notThere(path, resolve(directory, named), 'either')
  const message = unpinned(named)
  return Promise.resolve(message === null ? [] : [{ path, message }])
}

/** What a version is expected to score, under a name that no gate goes by: nobody would ever hold it to that. */
function unheard(
  at: string[],
  service: ServiceManifest,
  version: string,
  { expects }: VersionManifest,
): CrossProblem[] {
  const known = gatesOf(service).flatMap(({ name, gate }) => {
    if (!('goldenSet' in gate)) return []
    const { score } = gate.goldenSet
    return [name, scoreName(score)]
  })
  return Object.keys(expects)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: [...at, 'versions', version, 'expects', name],
      message: `no gate goes by the name ${name}${nearest(name, known) || `; expected ${[...new Set(known)].join(' or ') || 'a golden set in verify first'}`}`,
    }))
}

/** A score is a share; only a perplexity is above 1. */
function impossible(
  at: string[],
  service: ServiceManifest,
  version: string,
  { expects }: VersionManifest,
): CrossProblem[] {
  const perplexities = gatesOf(service).flatMap(({ name, gate }) =>
    'goldenSet' in gate && gate.goldenSet.score === 'perplexity' ? [name, 'perplexity'] : [],
  )
  return Object.entries(expects)
    .filter(([name, value]) => (perplexities.includes(name) ? value < 1 : value > 1))
    .map(([name]) => ({
      path: [...at, 'versions', version, 'expects', name],
      message: perplexities.includes(name)
        ? 'is a perplexity, and expected to be 1 or more'
        : 'expected a score from 0 to 1',
    }))
}

function placeholders(
  at: string[],
  service: ServiceManifest,
  version: string,
  content: VersionManifest,
): CrossProblem[] {
  const { environment } = service
  const port = environment.provider === 'process' ? ['port'] : []
  const known = [...port, 'version', ...fileKeys.filter((key) => content[key] !== undefined)]
  const { ready } = environment
  const asked = gatesOf(service).flatMap(({ gate }) =>
    'identity' in gate ? [gate.identity.is, gate.identity.model ?? ''] : [],
  )
  const started =
    environment.provider === 'process'
      ? [
          ...environment.command,
          ...content.args,
          ...Object.values(environment.env),
          ...Object.values(content.env),
        ]
      : []
  const used = placeholdersIn([...started, ...asked, ready.model ?? '', ready.version?.is ?? ''])
  return used
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: (fileKeys as readonly string[]).includes(name)
        ? [...at, 'versions', version]
        : [...at, 'environment', environment.provider === 'process' ? 'command' : 'ready'],
      message: (fileKeys as readonly string[]).includes(name)
        ? `${environment.provider === 'process' ? 'the command' : 'ready'} uses {${name}}, and ${version} has no ${name}`
        : `{${name}} means nothing; placeholders are ${known.map((one) => `{${one}}`).join(', ')}`,
    }))
}

/** In programs that put a replica to sleep: which one, is known then. */
function sleepPlaceholders(
  at: string[],
  { environment }: ServiceManifest,
  version: string,
  content: VersionManifest,
): CrossProblem[] {
  const { sleep, provider } = environment
  if (sleep?.by !== 'commands') return []
  const own = provider === 'process' ? ['pid', 'host', 'port'] : ['host', 'port']
  const known = [...own, 'version', ...fileKeys.filter((key) => content[key] !== undefined)]
  return (['down', 'up'] as const).flatMap((which) =>
    placeholdersIn(sleep[which])
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: [...at, 'environment', 'sleep', which],
        message: `{${name}} means nothing for ${version}${name === 'pid' ? ", whose processes are not Beryl's" : ''}; placeholders are ${known.map((one) => `{${one}}`).join(', ')}`,
      })),
  )
}

/** Each once. */
function placeholdersIn(texts: readonly string[]): string[] {
  const all = texts.flatMap((text) => [...text.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!))
  return [...new Set(all)]
}
