/** The manifest as it stands now, and the versions that were registered from it: immutable, one digest a name. */
import { totalmem } from 'node:os'
import { peerOf } from '../../config/external.ts'
import { gatesOf } from '../../config/gates.ts'
import type { Loaded } from '../../config/load.ts'
import type {
  EnvironmentManifest,
  ServiceManifest,
  VersionManifest,
} from '../../config/manifest.ts'
import { readyPathOf, speaksOf } from '../../config/speaks.ts'
import type { ServiceTable } from '../../gateway/control.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { Bundle, Now, Release, Service } from '../../release/release.ts'
import { emptyService } from '../../release/release.ts'
import type { CaptureSettings } from '../../verification/capture/captures.ts'
import { bundleDigest, contentOf, versionDigest } from '../../versions/digest.ts'
import type { VersionContent } from '../../versions/digest.ts'
import { readyOf, sleepingOf, templateOf } from '../../versions/template.ts'
import { gateOf, specOf } from '../gates/gate-specs.ts'
import { rungOf } from '../ladder.ts'
import { redactOf } from '../gates/redact-rules.ts'
import { requestRulesOf } from '../request-rules.ts'
import type { Plan } from '../plan.ts'
import { trafficOf } from '../traffic.ts'
import { poolServersOf } from '../pool-servers.ts'
import { sharedIn } from '../pools.ts'
import type { Rows } from '../rows.ts'
import type { ControllerStore } from '../store.ts'
import { versionSources } from './version-sources.ts'
import { signalSourcesOf } from '../watch/signal-specs.ts'
import type { SignalSources } from '../watch/signal-specs.ts'
import { watchRulesOf } from '../watch/watch-rules.ts'

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
  let { manifest } = loaded
  let source = loaded
  const { directory } = loaded
  const sources = versionSources({ current: () => source, store })
  const taken = new WeakMap<ServiceManifest, Promise<SignalSources>>()

  return {
    source: (): Loaded => source,

    /** From here on everything goes by this one; what was begun goes by its own snapshot. */
    replace(next: Loaded): void {
      source = next
      manifest = next.manifest
    },

    poolServers: () => poolServersOf(manifest.pools, directory),

    /** Releases that may run at the same time; null: as many as want. */
    atOnce: (): number | null => manifest.releases?.atOnce ?? null,

    /** What replicas may take together: bytes of memory, and a quota of them; null: none. */
    machine: (): { memory: number; replicas: number | null } => {
      const { memory = totalmem(), replicas = null } = manifest.machine
      return { memory, replicas }
    },

    budgetOf: (name: string) => manifest.services[name]?.budget ?? null,

    /** That it asks for. */
    replicasOf: (name: string): number => replicasOf(manifest.services[name]!.environment),

    /** Services of the manifest that have no row get one; a row that the manifest lacks is an error, never a removal. */
    reconcile(rows: Rows): void {
      for (const name of rows.names()) {
        const service = rows.find(name)!
        if (manifest.services[name] === undefined) {
          // A controller that died while a manifest was applied had made the row and not yet kept the text: nothing is lost with it.
          if (isUntouched(service)) {
            rows.save({ next: asGone(service), events: [] })
            continue
          }
          throw new Error(
            `${source.file} has no service ${name}, and ${name} is in the data directory${service.live ? ` (live: ${service.live.version})` : ''}. Put it back; \`beryl apply --remove\` takes a service away while Beryl runs.`,
          )
        }
        for (const placed of [service.live, service.standby]) {
          if (placed !== null && sources.find(name, placed.version) === null) {
            throw new Error(
              `${source.file}: services.${name}.versions lacks ${placed.version}, which is ${placed === service.live ? 'live' : 'the standby'}. Put it back; a version can go once it is neither.`,
            )
          }
        }
      }
      for (const name of Object.keys(manifest.services)) {
        const before = rows.find(name)
        if (before !== null && before.removing?.goneAt === undefined) continue
        const event = {
          at: now().wall,
          service: name,
          release: null,
          kind: 'command',
          by: 'beryl',
          text: `service ${name} was added from the manifest`,
          data: {},
        }
        if (before === null) rows.create(emptyService(name), event)
        else
          rows.save({
            next: { ...emptyService(name), generation: before.generation },
            events: [event],
          })
      }
    },

    /** Null: it has none, and no client reaches it. */
    routeOf(name: string): ServiceTable['route'] {
      const service = manifest.services[name]
      return service === undefined
        ? null
        : { host: service.route.host ?? null, path: service.route.path }
    },

    versionsOf: (name: string): readonly string[] => sources.names(name),
    versionOf: sources.find,
    isInManifest: sources.isInManifest,
    added: sources.added,

    retentionOf: (name: string) => manifest.services[name]?.retention ?? null,

    /** To check a version that is added beside those of the manifest. */
    serviceOf: (name: string): ServiceManifest => manifest.services[name]!,
    directory,

    rulesOf: (name: string): NonNullable<ServiceTable['rules']> =>
      manifest.services[name] === undefined ? {} : requestRulesOf(manifest.services[name]),

    /** What may be sent, or kept, a second time. */
    copyOf: (name: string): { methods: readonly string[]; exclude: readonly string[] } =>
      manifest.services[name]?.requests.copy ?? { methods: [], exclude: [] },

    /** Null: nothing is recorded. */
    captureOf(name: string): CaptureSettings | null {
      const service = manifest.services[name]
      if (service?.capture === undefined) return null
      const { share, keep, atMost } = service.capture
      return { share, keepS: keep, atMostBytes: atMost, redact: redactOf(service) }
    },

    /** How its signals are taken while no release says otherwise. @throws ProblemError `signal` */
    signalsOf(name: string): Promise<SignalSources> {
      const service = manifest.services[name]
      if (service === undefined) return Promise.resolve({ answers: null, opinions: {} })
      const known = taken.get(service) ?? signalSourcesOf(service, directory)
      taken.set(service, known)
      return known
    },

    urlOf(name: string, traffic: string): string {
      const { host, path } = manifest.services[name]?.route ?? { path: '/' }
      return host === undefined ? `${traffic}${path}` : `${traffic}${path} (Host: ${host})`
    },

    /** What a release of it would be judged by; nothing is registered. @throws ProblemError `no-such-version`, `unreadable` */
    async planFor(name: string, version: string): Promise<{ plan: Plan; replicas: number }> {
      sources.named(name, version)
      const content = sources.sealed(name, version)
      const plan = await planOf(source.sealed.services[name]!, version, content, 'read')
      return { plan, replicas: replicasOf(manifest.services[name]!.environment) }
    },

    /** What was registered; of a version that is not yet, its files as they are now. @throws ProblemError `no-such-version`, `unreadable` */
    async content(name: string, version: string): Promise<VersionContent> {
      const known = store.versions.find(name, version)
      if (known === null || known.removedAt !== null) return readNow(name, version)
      return (known.description as { content: VersionContent }).content
    },

    readNow,

    /** Registers the version when it is new; answers its digest. @throws ProblemError as `bundle` */
    async register(name: string, version: string): Promise<string> {
      const content = sources.named(name, version)
      const read = await readNow(name, version)
      register(name, version, versionDigest(read), content, read)
      return versionDigest(read)
    },

    /**
     * Registers the version when it is new, and takes the snapshot a release is judged by.
     * @throws ProblemError `no-such-version`, `digest-changed`, `unreadable`
     */
    async bundle(
      name: string,
      version: string,
      { files }: { files: 'read' | 'left out' },
    ): Promise<{ bundle: Bundle; plan: Plan }> {
      const service = manifest.services[name]!
      const kept = source.sealed.services[name]!
      const content = sources.named(name, version)
      const [sealed, written] = [sources.sealed(name, version), asWritten(name, version)]
      const read = await readNow(name, version)
      register(name, version, versionDigest(read), content, read)
      const bundle = {
        version,
        digest: bundleDigest(read, written.environment, {
          speaks: speaksOf(service),
          name: version,
        }),
        replicas: replicasOf(service.environment),
        ...spotOf(service.environment),
      }
      return { bundle, plan: await planOf(kept, version, sealed, files) }
    },
  }

  /** @throws ProblemError `no-such-version`, `unreadable` */
  function readNow(name: string, version: string): Promise<VersionContent> {
    const content = sources.named(name, version)
    return contentOf({ ...content, ...asWritten(name, version).version }, directory).catch(
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
  }

  /** Digests are of `${NAME}`, never of its value (rulings §13): a secret that is rotated makes no other version, and none is kept. */
  function asWritten(name: string, version: string) {
    const { environment } = source.asWritten.services[name]!
    const { env, args } = sources.written(name, version)
    const read = manifest.services[name]!.environment
    if (environment.provider === 'external' || read.provider === 'external')
      return { version: { env, args }, environment: read }
    const { command, env: own = {}, spot } = environment
    const { command: onSpot, env: spotEnv = {} } = spot ?? {}
    const there = onSpot === undefined ? {} : { command: onSpot }
    return {
      version: { env, args },
      environment: {
        ...read,
        command,
        env: own,
        ...(read.spot === undefined ? {} : { spot: { ...read.spot, ...there, env: spotEnv } }),
      },
    }
  }

  /** The same name with another digest is refused, with both shown. */
  function register(
    service: string,
    version: string,
    digest: string,
    { notes, source: from }: VersionManifest,
    content: unknown,
  ): void {
    const known = store.versions.find(service, version)
    if (known === null || (known.digest === digest && known.removedAt !== null)) {
      const description = { notes: notes ?? null, source: from ?? null, content }
      const registeredAt = now().wall
      return store.versions.put(
        { service, version, digest, registeredAt, description, added: null },
        null,
      )
    }
    if (known.digest === digest) return
    throw new ProblemError({
      status: 409,
      code: 'digest-changed',
      title: `${version} of ${service} was registered with ${known.digest}, and its files now give ${digest}: a version never changes`,
      hint: 'give the changed files a version name of their own, or restore them',
    })
  }

  /** @param service with secrets by name: a plan is kept */
  async function planOf(
    service: ServiceManifest,
    version: string,
    content: VersionManifest,
    files: 'read' | 'left out',
  ): Promise<Plan> {
    const { environment, watch, standby } = service
    const tls = peerOf(environment, directory)
    const named = gatesOf(service)
    const specs = await Promise.all(
      named.map(
        async (gate) =>
          [
            gate.name,
            await specOf(service, gate, named, { version, content, files, directory }),
          ] as const,
      ),
    )
    const specByName = Object.fromEntries(specs)
    const sleep = sleepingOf(version, content, environment, directory)
    return {
      rules: {
        gates: named.map((one) => gateOf(one, specByName[one.name]!)),
        switchWhen: service.switch.when,
        ...trafficOf(service.switch.traffic),
        ...(service.switch.windows === undefined ? {} : { windows: service.switch.windows }),
        expiresS: service.switch.expires,
        ...(service.drill === undefined ? {} : { drillEveryS: service.drill.every }),
        ...unknownOf(environment),
        readyWithinS: environment.ready.within,
        drainS: service.switch.drain,
        evidenceForS: service.switch.evidenceFor,
        approvalForS: service.switch.approvalFor,
        watch: {
          atLeastS: watch.atLeast,
          atMostS: watch.atMost,
          whenUndecided: watch.whenUndecided,
        },
        standby: standby.map(rungOf),
        ...usesOfSpot(service),
        ...(watch.control === 'off' ? {} : { control: { share: 1, ...service.requests.copy } }),
      },
      template: {
        ...templateOf(version, content, environment, directory),
        speaks: speaksOf(service),
        ...(tls === undefined ? {} : { tls }),
        ready: readyOf(service, version, content, directory),
        ...(sleep === null ? {} : { sleep }),
        alive: {
          path: environment.alive.path ?? readyPathOf(service),
          everyS: environment.alive.every,
          timeoutS: environment.alive.timeout,
          failures: environment.alive.failures,
        },
      },
      gates: specByName,
      watch: watchRulesOf(watch, environment),
      signals: await signalSourcesOf(service, directory),
      price: environment.price ?? null,
      ...sharedIn(service, manifest.pools, directory),
    }
  }
}

function isUntouched({ live, release, queued, generation }: Service): boolean {
  return live === null && release === null && queued === null && generation === 0
}

function asGone(service: Service): Service {
  const at = { wall: 0, up: 0 }
  return { ...service, removing: { since: at, by: 'beryl', drainS: 0, goneAt: 0 } }
}

function replicasOf(environment: EnvironmentManifest): number {
  return environment.provider === 'external' ? environment.blue.length : environment.replicas
}

function spotOf({ spot }: EnvironmentManifest): Pick<Bundle, 'spot'> {
  if (spot === undefined) return {}
  return { spot: spot.live ? { live: true } : {} }
}

function usesOfSpot({
  environment,
  standbyOnSpot,
}: ServiceManifest): Pick<Release['rules'], 'spot'> {
  if (environment.provider !== 'process' || environment.spot === undefined) return {}
  const { candidate, live } = environment.spot
  return {
    spot: {
      // What may be live there is tested there.
      ...(candidate || live ? { candidate: true as const } : {}),
      ...(standbyOnSpot ? { standby: true as const } : {}),
    },
  }
}

/** What nobody but a person can answer for (rulings §14). */
function unknownOf({ provider, ready }: EnvironmentManifest): { unknown?: string } {
  if (provider === 'process') return {}
  const asked = ready.version ?? ready.model
  const which = asked === undefined ? ', nor which version answers there' : ''
  return { unknown: `what its external addresses can carry is not known${which}` }
}
