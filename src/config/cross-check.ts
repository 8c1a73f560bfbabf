/** What no schema can say: files that must exist, placeholders that must mean something, routes that must not collide. */
import { resolve } from 'node:path'
import { jsonPath } from '../protocols/json-path.ts'
import type { JsonPathError } from '../protocols/json-path.ts'
import { PairError, readPair } from '../tls/pair.ts'
import { budgets } from './budget.ts'
import { gateProblems } from './gate-problems.ts'
import { gatesOf } from './gates.ts'
import type { CrossProblem } from './cross-problem.ts'
import type { Manifest, ServiceManifest, VersionManifest } from './manifest.ts'
import { fileKeys } from './manifest.ts'
import { ofOthers, sameAddresses } from './external.ts'
import { rungs } from './ladder.ts'
import { languageModel } from './language-model.ts'
import { nearest } from './nearest.ts'
import { notThere } from './not-there.ts'
import { unreachable } from './paths.ts'
import { asleep } from './sleep.ts'
import { speaksOf } from './speaks.ts'

export async function crossCheck(manifest: Manifest, directory: string): Promise<CrossProblem[]> {
  const checks = Object.entries(manifest.services).map(([name, service]) =>
    checkService(['services', name], service, directory),
  )
  return [
    ...(await Promise.all(checks)).flat(),
    ...sameRoutes(manifest),
    ...samePorts(manifest),
    ...sameAddresses(manifest),
    ...pairProblems(manifest, directory),
  ]
}

function pairProblems({ gateway }: Manifest, directory: string): CrossProblem[] {
  const { tls } = gateway
  if (tls === undefined) return []
  try {
    readPair({ cert: resolve(directory, tls.cert), key: resolve(directory, tls.key) })
    return []
  } catch (error) {
    if (!(error instanceof PairError)) throw error
    return [{ path: ['gateway', 'tls', error.which], message: error.message }]
  }
}

async function checkService(
  at: string[],
  service: ServiceManifest,
  directory: string,
): Promise<CrossProblem[]> {
  const { environment, versions, watch } = service
  const files: CrossProblem[] = []
  for (const [version, content] of Object.entries(versions)) {
    for (const key of fileKeys) {
      const file = content[key]
      if (file !== undefined)
        files.push(
          ...(await notThere(
            [...at, 'versions', version, key],
            resolve(directory, file),
            'either',
          )),
        )
    }
    files.push(
      ...placeholders(at, service, version, content),
      ...unheard(at, service, version, content),
      ...impossible(at, service, version, content),
    )
  }
  if (environment.provider === 'process')
    files.push(
      ...(await notThere(
        [...at, 'environment', 'directory'],
        resolve(directory, environment.directory),
        'directory',
      )),
    )
  for (const { name, path, gate } of gatesOf(service)) {
    if (!('goldenSet' in gate)) continue
    const { file, score, atLeast, atMost, noWorseBy } = gate.goldenSet
    files.push(...(await notThere([...at, ...path, 'file'], resolve(directory, file), 'file')))
    if (typeof score === 'object' && 'module' in score)
      files.push(
        ...(await notThere(
          [...at, ...path, 'score', 'module'],
          resolve(directory, score.module),
          'file',
        )),
      )
    const stated = Object.values(versions).every(
      ({ expects }) =>
        expects[name] !== undefined || (typeof score === 'string' && expects[score] !== undefined),
    )
    if ([atLeast, atMost, noWorseBy].every((one) => one === undefined) && !stated) {
      files.push({
        path: [...at, ...path],
        message:
          'a golden set needs atLeast, noWorseBy, or `expects` in every version (a perplexity: atMost in place of atLeast): else it judges nothing',
      })
    }
  }
  files.push(
    ...answerPath(at, service),
    ...spoken(at, service),
    ...languageModel(at, service),
    ...ofOthers(at, service),
    ...unreachable(at, service),
    ...rungs(at, service),
    ...budgets(at, service),
    ...asleep(at, service),
    ...(await gateProblems(at, service, directory)),
  )
  if (service.protocol === 'grpc' && service.capture !== undefined)
    files.push({
      path: [...at, 'capture'],
      message: 'nothing can be taken out of messages of gRPC yet: not built, leave it out',
    })
  const unknown = watch.required.filter((signal) => !watch.signals.includes(signal))
  if (unknown.length > 0)
    files.push({
      path: [...at, 'watch', 'required'],
      message: `${unknown.join(', ')} is required and not among the signals`,
    })
  if (watch.required.includes('latency') && watch.latency.p95 === undefined)
    files.push({
      path: [...at, 'watch', 'required'],
      message:
        'latency is required, and without a control group it is compared with the past only, which never promotes: give watch.latency.p95, a limit of its own',
    })
  if (watch.latency.margin < watch.latency.tolerance)
    files.push({
      path: [...at, 'watch', 'latency', 'margin'],
      message: 'is smaller than tolerance',
    })
  if (watch.errors.margin < watch.errors.tolerance)
    files.push({ path: [...at, 'watch', 'errors', 'margin'], message: 'is smaller than tolerance' })
  if (watch.atLeast > watch.atMost)
    files.push({ path: [...at, 'watch', 'atLeast'], message: 'is longer than atMost' })
  return files
}

/** Gates ask in HTTP/1.1: a server that does not speak it would fail them all. */
function spoken(at: string[], service: ServiceManifest): CrossProblem[] {
  if (service.protocol === 'grpc' && service.environment.upstream === 'http1')
    return [
      { path: [...at, 'environment', 'upstream'], message: 'gRPC needs HTTP/2: leave it out' },
    ]
  if (speaksOf(service) === undefined) return []
  const asking = gatesOf(service).map(({ name, path }) => ({ name, path }))
  if (service.environment.ready.version !== undefined)
    asking.push({ name: 'ready.version', path: ['environment', 'ready', 'version'] })
  return asking.map(({ name, path }) => ({
    path: [...at, ...path],
    message: `${name} asks in HTTP/1.1, and the replicas speak HTTP/2: not built yet, leave it out`,
  }))
}

/** A path that nobody understands would keep every replica from being ready. */
function answerPath(at: string[], { environment }: ServiceManifest): CrossProblem[] {
  const { answer } = environment.ready.version ?? {}
  try {
    if (answer !== undefined) jsonPath(answer)
    return []
  } catch (error) {
    const path = [...at, 'environment', 'ready', 'version', 'answer']
    return [{ path, message: (error as JsonPathError).message }]
  }
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
    return typeof score === 'string' ? [name, score] : [name]
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
    'identity' in gate ? [gate.identity.is] : [],
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
  const used = [...started, ...asked, ready.model ?? '', ready.version?.is ?? ''].flatMap((text) =>
    [...text.matchAll(/\{([a-z]+)\}/g)].map(([, name]) => name!),
  )
  return [...new Set(used)]
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

function sameRoutes({ services }: Manifest): CrossProblem[] {
  const seen = new Map<string, string>()
  return Object.entries(services).flatMap(([name, { route }]) => {
    const key = `${route.host?.toLowerCase() ?? '*'} ${route.path.replace(/\/$/, '')}`
    const first = seen.get(key)
    seen.set(key, first ?? name)
    return first === undefined
      ? []
      : [
          {
            path: ['services', name, 'route'],
            message: `the same route as ${first}: give one of them another host or path`,
          },
        ]
  })
}

function samePorts({ gateway, api }: Manifest): CrossProblem[] {
  const places = [
    { path: ['gateway', 'listen'], ...gateway.listen },
    ...(gateway.preview === undefined
      ? []
      : [{ path: ['gateway', 'preview'], ...gateway.preview }]),
    { path: ['api', 'listen'], ...api.listen },
  ]
  return places.flatMap(({ path, host, port }, index) => {
    const first = places
      .slice(0, index)
      .find((other) => port !== 0 && other.port === port && other.host === host)
    return first === undefined
      ? []
      : [{ path, message: `the same address as ${first.path.join('.')}` }]
  })
}
