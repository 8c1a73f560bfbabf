/** What no schema can say: files that must exist, placeholders that must mean something, routes that must not collide. */
import { resolve } from 'node:path'
import { jsonPath } from '../protocols/json-path.ts'
import type { JsonPathError } from '../protocols/json-path.ts'
import { PairError, readPair } from '../tls/pair.ts'
import { budgets } from './budget.ts'
import { gateProblems } from './gate-problems.ts'
import { gatesOf } from './gates.ts'
import type { CrossProblem } from './cross-problem.ts'
import type { Manifest, ServiceManifest } from './manifest.ts'
import { ofOthers, sameAddresses } from './external.ts'
import { rungs } from './ladder.ts'
import { poolProblems, poolPrograms } from './pools.ts'
import { languageModel } from './language-model.ts'
import { scoreProblems } from './scores.ts'
import { notThere } from './not-there.ts'
import { unreachable } from './paths.ts'
import { signalProblems } from './signal-problems.ts'
import { asleep, sleepPrograms } from './sleep.ts'
import { grpcProblems } from './grpc.ts'
import { onSpot, spotPrograms } from './spot.ts'
import { judges, versionProblems } from './version-problems.ts'

export async function crossCheck(manifest: Manifest, directory: string): Promise<CrossProblem[]> {
  const checks = Object.entries(manifest.services).map(([name, service]) =>
    checkService(['services', name], service, directory),
  )
  return [
    ...(await Promise.all(checks)).flat(),
    ...sameRoutes(manifest),
    ...samePorts(manifest),
    ...sameAddresses(manifest),
    ...poolProblems(manifest, directory),
    ...(await poolPrograms(manifest, directory)),
    ...pairProblems(manifest, directory),
  ]
}

function pairProblems({ gateway, api }: Manifest, directory: string): CrossProblem[] {
  const ofApi = api.tls === undefined ? [] : [{ ...api.tls, at: ['api', 'tls'] }]
  const { tls = [] } = gateway
  const all = tls.map((one, index) => ({
    ...one,
    // One by itself is not written as a list.
    at: tls.length === 1 ? ['gateway', 'tls'] : ['gateway', 'tls', index],
  }))
  return [...all, ...ofApi].flatMap(({ cert, key, at }) => {
    try {
      readPair({ cert: resolve(directory, cert), key: resolve(directory, key) })
      return []
    } catch (error) {
      if (!(error instanceof PairError)) throw error
      return [{ path: [...at, error.which], message: error.message }]
    }
  })
}

async function checkService(
  at: string[],
  service: ServiceManifest,
  directory: string,
): Promise<CrossProblem[]> {
  const { environment, versions, watch } = service
  const files: CrossProblem[] = []
  for (const [version, content] of Object.entries(versions))
    files.push(...(await versionProblems(at, service, version, content, directory)))
  if (environment.provider === 'process')
    files.push(
      ...(await notThere(
        [...at, 'environment', 'directory'],
        resolve(directory, environment.directory),
        'directory',
      )),
    )
  for (const named of gatesOf(service)) {
    const { path, gate } = named
    if (!('goldenSet' in gate)) continue
    const { file, score, perSlice } = gate.goldenSet
    files.push(...(await notThere([...at, ...path, 'file'], resolve(directory, file), 'file')))
    files.push(...(await scoreProblems([...at, ...path, 'score'], score, directory)))
    if (score === 'perplexity' && perSlice !== undefined)
      files.push({
        path: [...at, ...path, 'perSlice'],
        message: 'a perplexity is of all texts together: make a golden set for each slice',
      })
    if (!Object.values(versions).every((content) => judges(named, content))) {
      files.push({
        path: [...at, ...path],
        message:
          'a golden set needs atLeast, noWorseBy, or `expects` in every version (a perplexity: atMost in place of atLeast): else it judges nothing',
      })
    }
  }
  files.push(
    ...answerPath(at, service),
    ...grpcProblems(at, service),
    ...languageModel(at, service),
    ...ofOthers(at, service, directory),
    ...unreachable(at, service),
    ...rungs(at, service),
    ...budgets(at, service),
    ...asleep(at, service),
    ...onSpot(at, service),
    ...(await spotPrograms(at, service, directory)),
    ...(await sleepPrograms(at, service, directory)),
    ...(await gateProblems(at, service, directory)),
    ...(await signalProblems(at, service, directory)),
  )
  for (const name of ['latency', 'firstToken', 'perToken'] as const)
    if (watch.required.includes(name) && watch[name].p95 === undefined)
      files.push({
        path: [...at, 'watch', 'required'],
        message: `${name} is required, and without a control group it is compared with the past only, which never promotes: give watch.${name}.p95, a limit of its own`,
      })
  if (watch.atLeast > watch.atMost)
    files.push({ path: [...at, 'watch', 'atLeast'], message: 'is longer than atMost' })
  return files
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
