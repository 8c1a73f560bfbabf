/** The manifest as it stands now, and the versions that were registered from it: immutable, one digest a name. */
import { resolve } from 'node:path'
import { gatesOf } from '../config/gates.ts'
import type { NamedGate } from '../config/gates.ts'
import type { Loaded } from '../config/load.ts'
import type { EnvironmentManifest, ServiceManifest, VersionManifest } from '../config/manifest.ts'
import { nearest } from '../config/nearest.ts'
import { readyPathOf, speaksOf } from '../config/speaks.ts'
import type { ServiceTable } from '../gateway/control.ts'
import { ProblemError } from '../ipc/problem.ts'
import type { Bundle, Gate, Now } from '../release/release.ts'
import { emptyService } from '../release/release.ts'
import type { GateSpec, Protocol, RequestShape, Score } from '../verification/gate.ts'
import { goldenLines } from '../verification/golden-set/lines.ts'
import { bundleDigest, contentOf, versionDigest } from '../versions/digest.ts'
import { readyOf, templateOf } from '../versions/template.ts'
import { rungOf } from './ladder.ts'
import type { Plan } from './plan.ts'
import { trafficOf } from './traffic.ts'
import type { Rows } from './rows.ts'
import type { ControllerStore } from './store.ts'
import { watchRulesOf } from './watch-rules.ts'

/** Below the client's own limit for one command. */
const goldenSetReadMs = 12_000

export type Registry = ReturnType<typeof openRegistry>

export function openRegistry({
  loaded,
  store,
  now,
}: {
  loaded: Loaded
  store: ControllerStore
  now: () => Now
}) {
  const { manifest, directory } = loaded

  return {
    /** Services of the manifest that have no row get one; a row that the manifest lacks is an error, never a removal. */
    reconcile(rows: Rows): void {
      for (const name of rows.names()) {
        const service = rows.find(name)!
        const wanted = manifest.services[name]
        if (wanted === undefined) {
          throw new Error(
            `${loaded.file} has no service ${name}, and ${name} is in the data directory${service.live ? ` (live: ${service.live.version})` : ''}. Removing a service is not built yet: put it back, or use another data directory.`,
          )
        }
        for (const placed of [service.live, service.standby]) {
          if (placed !== null && wanted.versions[placed.version] === undefined) {
            throw new Error(
              `${loaded.file}: services.${name}.versions lacks ${placed.version}, which is ${placed === service.live ? 'live' : 'the standby'}. Put it back; a version can go once it is neither.`,
            )
          }
        }
      }
      for (const name of Object.keys(manifest.services)) {
        if (rows.find(name) !== null) continue
        const text = `service ${name} was added from the manifest`
        rows.create(emptyService(name), {
          at: now().wall,
          service: name,
          release: null,
          kind: 'command',
          by: 'beryl',
          text,
          data: {},
        })
      }
    },

    routeOf: (name: string): ServiceTable['route'] => ({
      host: manifest.services[name]?.route.host ?? null,
      path: manifest.services[name]?.route.path ?? '/',
    }),

    versionsOf: (name: string): readonly string[] =>
      Object.keys(manifest.services[name]?.versions ?? {}),

    rulesOf(name: string): NonNullable<ServiceTable['rules']> {
      const asked = manifest.services[name]?.requests
      if (asked === undefined) return {}
      const { body, firstByte, silence, total, concurrent, queue, affinity, retry } = asked
      return {
        bodyMaxBytes: body ?? null,
        firstByteMs: firstByte * 1000,
        idleMs: silence * 1000,
        totalMs: total === undefined ? null : total * 1000,
        concurrentMax: concurrent ?? null,
        queueMax: queue.atMost,
        queueMs: queue.for * 1000,
        affinity: affinity ?? null,
        retryMethods: retry.methods,
        retryShare: retry.share,
      }
    },

    urlOf(name: string, traffic: string): string {
      const { host, path } = manifest.services[name]?.route ?? { path: '/' }
      return host === undefined ? `${traffic}${path}` : `${traffic}${path} (Host: ${host})`
    },

    /** What a release of it would be judged by; nothing is registered. @throws ProblemError `no-such-version`, `unreadable` */
    async planFor(name: string, version: string): Promise<{ plan: Plan; replicas: number }> {
      const service = manifest.services[name]!
      const plan = await planOf(service, version, contentNamed(name, version), 'checked')
      return { plan, replicas: replicasOf(service.environment) }
    },

    /**
     * Registers the version when it is new, and takes the snapshot a release is judged by.
     * @throws ProblemError `no-such-version`, `digest-changed`, `unreadable`
     */
    async bundle(
      name: string,
      version: string,
      { goldenSets }: { goldenSets: 'checked' | 'left out' },
    ): Promise<{ bundle: Bundle; plan: Plan }> {
      const service = manifest.services[name]!
      const content = contentNamed(name, version)
      const written = asWritten(name, version)
      const read = await contentOf({ ...content, ...written.version }, directory).catch(
        (cause: unknown) => {
          throw new ProblemError(
            {
              status: 409,
              code: 'unreadable',
              title: `cannot read ${version} of ${name}: ${(cause as Error).message}`,
              hint: 'every file of a version must be readable',
            },
            { cause },
          )
        },
      )
      register(name, version, versionDigest(read), content, read)
      const bundle = {
        version,
        digest: bundleDigest(read, written.environment, {
          speaks: speaksOf(service),
          name: version,
        }),
        replicas: replicasOf(service.environment),
      }
      return { bundle, plan: await planOf(service, version, content, goldenSets) }
    },
  }

  /** @throws ProblemError `no-such-version` */
  function contentNamed(name: string, version: string): VersionManifest {
    const { versions } = manifest.services[name]!
    if (Object.hasOwn(versions, version)) return versions[version]!
    const known = Object.keys(versions)
    throw new ProblemError({
      status: 404,
      code: 'no-such-version',
      title: `${name} has no version ${version}${nearest(version, known)}`,
      hint: `versions in ${loaded.file}: ${known.join(', ')}`,
    })
  }

  /** Digests are of `${NAME}`, never of its value (rulings §13): a secret that is rotated makes no other version, and none is kept. */
  function asWritten(name: string, version: string) {
    const { environment, versions } = loaded.asWritten.services[name]!
    const { env = {}, args = [] } = versions[version]!
    const read = manifest.services[name]!.environment
    if (environment.provider === 'external' || read.provider === 'external')
      return { version: { env, args }, environment: read }
    const { command, env: own = {} } = environment
    return { version: { env, args }, environment: { ...read, command, env: own } }
  }

  /** The same name with another digest is refused, with both shown. */
  function register(
    service: string,
    version: string,
    digest: string,
    { notes }: VersionManifest,
    content: unknown,
  ): void {
    const known = store.versions.find(service, version)
    if (known === null)
      return store.versions.add({
        service,
        version,
        digest,
        registeredAt: now().wall,
        description: { notes: notes ?? null, content },
      })
    if (known.digest === digest) return
    throw new ProblemError({
      status: 409,
      code: 'digest-changed',
      title: `${version} of ${service} was registered with ${known.digest}, and its files now give ${digest}: a version never changes`,
      hint: 'give the changed files a version name of their own, or restore them',
    })
  }

  async function planOf(
    service: ServiceManifest,
    version: string,
    content: VersionManifest,
    goldenSets: 'checked' | 'left out',
  ): Promise<Plan> {
    const { environment, watch, standby } = service
    const named = gatesOf(service)
    const specs = await Promise.all(
      named.map(
        async (gate) =>
          [gate.name, await specOf(service, gate, named, content, goldenSets)] as const,
      ),
    )
    const specByName = Object.fromEntries(specs)
    return {
      rules: {
        gates: named.map(({ name }) => gateOf(name, specByName[name]!)),
        switchWhen: service.switch.when,
        ...trafficOf(service.switch.traffic),
        ...unknownOf(environment),
        readyWithinS: environment.ready.within,
        drainS: service.switch.drain,
        watch: {
          atLeastS: watch.atLeast,
          atMostS: watch.atMost,
          whenUndecided: watch.whenUndecided,
        },
        standby: standby.map(rungOf),
        ...(watch.control === 'off' ? {} : { control: { share: 1, ...service.requests.copy } }),
      },
      template: {
        ...templateOf(version, content, environment, directory),
        speaks: speaksOf(service),
        ready: readyOf(service, version, content, directory),
        alive: {
          path: environment.alive.path ?? readyPathOf(service),
          everyS: environment.alive.every,
          timeoutS: environment.alive.timeout,
          failures: environment.alive.failures,
        },
      },
      gates: specByName,
      watch: watchRulesOf(watch, environment),
      price: environment.price ?? null,
    }
  }

  async function specOf(
    { protocol }: ServiceManifest,
    { name, gate }: NamedGate,
    all: readonly NamedGate[],
    { expects }: VersionManifest,
    goldenSets: 'checked' | 'left out',
  ): Promise<GateSpec> {
    const golden = all.map((one) => one.gate).find((one) => 'goldenSet' in one)
    if ('warmUp' in gate) {
      const { within, request, until, concurrency } = gate.warmUp
      const shape =
        request ?? (golden && 'goldenSet' in golden ? golden.goldenSet.request : undefined)
      const file =
        golden && 'goldenSet' in golden ? resolve(directory, golden.goldenSet.file) : null
      return {
        kind: 'warmUp',
        protocol: readingOf(protocol),
        withinS: within,
        until,
        request: shape === undefined ? null : shapeOf(shape),
        file,
        concurrency,
      }
    }
    const { file, request, answer, score, within, concurrency } = gate.goldenSet
    const { atLeast, atMost, noWorseBy } = gate.goldenSet
    const path = resolve(directory, file)
    return {
      kind: 'goldenSet',
      protocol: readingOf(protocol),
      file: path,
      digest: goldenSets === 'checked' ? await wholeGoldenSet(path) : 'left out',
      request: shapeOf(request),
      answer: answer ?? null,
      score: scoreOf(score, directory),
      atLeast: atLeast ?? null,
      atMost: atMost ?? null,
      noWorseBy: noWorseBy ?? null,
      expects: expects[name] ?? (typeof score === 'string' ? expects[score] : undefined) ?? null,
      withinS: within,
      concurrency,
    }
  }
}

function replicasOf(environment: EnvironmentManifest): number {
  return environment.provider === 'external' ? environment.blue.length : environment.replicas
}

/** What nobody but a person can answer for (rulings §14). */
function unknownOf({ provider, ready }: EnvironmentManifest): { unknown?: string } {
  if (provider === 'process') return {}
  const asked = ready.version ?? ready.model
  const which = asked === undefined ? ', nor which version answers there' : ''
  return { unknown: `what its external addresses can carry is not known${which}` }
}

/**
 * Every line can be used, or the release does not begin: a gate that finds out later leaves a candidate waiting for a person.
 * @returns the digest @throws ProblemError `golden-set` naming file and line
 */
async function wholeGoldenSet(file: string): Promise<string> {
  const lines = goldenLines(file, AbortSignal.timeout(goldenSetReadMs))
  try {
    for (;;) {
      const next = await lines.next()
      if (next.done === true) return next.value
    }
  } catch (cause) {
    throw new ProblemError(
      {
        status: 400,
        code: 'golden-set',
        title: (cause as Error).message,
        hint: 'a line is {"request": body, "expected": value}; mend it and deploy again: nothing was started',
      },
      { cause },
    )
  }
}

function gateOf(name: string, spec: GateSpec): Gate {
  if (spec.kind === 'warmUp') return { name, kind: 'warmUp', needsLive: false, absolute: false }
  const absolute = [spec.atLeast, spec.atMost, spec.expects].some((floor) => floor !== null)
  return { name, kind: 'goldenSet', needsLive: !absolute, absolute }
}

/** `http` and `json` are sent and read alike. */
function readingOf(protocol: ServiceManifest['protocol']): Protocol {
  return protocol === 'openai' ? 'openai' : 'http'
}

function shapeOf({
  method,
  path,
  headers,
  timeout,
}: {
  method: RequestShape['method']
  path: string
  headers: Record<string, string>
  timeout: number
}): RequestShape {
  return { method, path, headers, timeoutS: timeout }
}

function scoreOf(
  score: Extract<ServiceManifest['verify'][number], { goldenSet: unknown }>['goldenSet']['score'],
  directory: string,
): Score {
  if (typeof score === 'string') return { kind: score }
  if ('numeric' in score) return { kind: 'numeric', tolerance: score.numeric.tolerance }
  if ('jsonFields' in score) return { kind: 'jsonFields', fields: score.jsonFields }
  return { kind: 'module', file: resolve(directory, score.module) }
}
