/** The version registry as people ask for it: what is registered, what it is now, what differs, and the names it goes by. */
import type { Operations } from '../../api/operations.ts'
import type { AliasesView, VersionLine, VersionView } from '../../api/shapes.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { desiredWorld } from '../../release/desired-world.ts'
import { isEnd } from '../../release/release.ts'
import type { Now, Service } from '../../release/release.ts'
import {
  aliasIn,
  complaintOf,
  computed,
  isComputed,
  noSuchAlias,
  previousOf,
} from '../../versions/aliases.ts'
import type { Complaint, Computed } from '../../versions/aliases.ts'
import type { VersionContent } from '../../versions/digest.ts'
import { diffOf } from '../../versions/diff.ts'
import type { MlflowSource } from '../../versions/mlflow.ts'
import { addVersions } from './add-version.ts'
import type { Registry } from './registry.ts'
import type { ControllerStore } from '../store.ts'
import { answering, notesOf } from '../views.ts'

/** Of one version. */
const releasesMax = 1000
/** Of an alias's history, beside what was just changed. */
const changesShown = 100
const newest = Number.MAX_SAFE_INTEGER

export type Resolved = {
  version: string
  /** The alias it was asked by, without `@`; null: it was named itself. */
  alias: string | null
}

type Sources = {
  store: ControllerStore
  registry: Registry
  now: () => Now
  /** @throws ProblemError `no-such-service` */
  find: (service: string) => Service
}

export type VersionOperations = ReturnType<typeof versionOperations>

export function versionOperations(sources: Sources): Operations['versions'] & {
  /** What is asked for now, whatever it means later. @throws ProblemError `no-such-alias`, `no-live-version`, `no-previous-version` */
  resolve: (service: Service, asked: string) => Resolved
  /** Why a version cannot leave the registry now; null: it can. */
  holderOf: (service: Service, version: string) => string | null
} {
  const { store, registry, now, find } = sources

  return {
    resolve,
    holderOf,
    list: (name) => ({ service: name, versions: linesOf(find(name)) }),

    show,
    ...addVersions({ ...sources, holderOf, show }),

    diff: async (name, askedFrom, askedTo) => {
      const service = find(name)
      const [from, to] = [resolve(service, askedFrom).version, resolve(service, askedTo).version]
      const [before, after] = [await contentOf(name, from), await contentOf(name, to)]
      return { service: name, from, to, ...diffOf(before, after) }
    },

    aliases: (name, before, limit) => aliasesOf(find(name), before, limit),

    alias: async (name, alias, { version, reason }, by) => {
      const service = find(name)
      refuseIf(complaintOf(alias, knownTo(name)), 400)
      const other = aliasIn(version)
      if (other !== null) {
        const means = isComputed(other) ? compute(service, other) : store.aliases.find(name, other)
        throw new ProblemError({
          status: 400,
          code: 'alias-of-alias',
          title: `@${alias} cannot stand for another alias: ${version} may mean something else tomorrow`,
          hint:
            means === null
              ? `beryl versions ${name} lists the versions`
              : `${version} is ${means} now: beryl versions ${name} alias ${alias} ${means}`,
        })
      }
      // A name is given to something that never changes: it is registered now, if it was not before.
      const digest = await registry.register(name, version)
      if (store.aliases.find(name, alias) !== version)
        set(name, { alias, version, digest, reason, by })
      return aliasesOf(find(name))
    },

    removeAlias: (name, alias, reason, by) => {
      find(name)
      if (isComputed(alias)) refuseIf(complaintOf(alias, []), 400)
      if (store.aliases.find(name, alias) === null)
        refuseIf(noSuchAlias(name, alias, Object.keys(store.aliases.all(name))), 404)
      set(name, { alias, version: null, digest: null, reason, by })
      return aliasesOf(find(name))
    },
  }

  async function show(name: string, asked: string): Promise<VersionView> {
    const service = find(name)
    const { version } = resolve(service, asked)
    const content = await registry.content(name, version)
    const releases = store.services
      .releases(name, releasesMax)
      .filter(({ bundle }) => bundle.version === version)
    const line = linesOf(service).find((one) => one.version === version)!
    return {
      ...line,
      service: name,
      files: content.files,
      args: content.args,
      env: Object.keys(content.env).toSorted(),
      releases: releases.map(({ id, kind, at, by, phase, alias }) => ({
        id,
        kind,
        at,
        by,
        alias: alias ?? null,
        phase: phase.name,
        because: isEnd(phase) ? phase.because : null,
      })),
    }
  }

  function resolve(service: Service, asked: string): Resolved {
    const { name } = service
    const alias = aliasIn(asked)
    if (alias === null) return { version: asked, alias }
    const version = isComputed(alias) ? compute(service, alias) : store.aliases.find(name, alias)
    if (version !== null) return { version, alias }
    if (!isComputed(alias))
      refuseIf(noSuchAlias(name, alias, Object.keys(store.aliases.all(name))), 404)
    const isLive = alias === 'live'
    throw new ProblemError({
      status: 409,
      code: isLive ? 'no-live-version' : 'no-previous-version',
      title: isLive
        ? `@live of ${name}: no version is live yet`
        : `@previous of ${name}: no other version was live before ${service.live?.version ?? 'the first one'}`,
      hint: `name a version: beryl versions ${name} lists them`,
    })
  }

  function compute(service: Service, which: Computed): string | null {
    // On a way back it is what will answer, however long that takes.
    const { live } = answering(service, null)
    if (live === null || which === 'live') return live?.version ?? null
    return previousOf(live, (id) => store.services.release(id))
  }

  function set(
    service: string,
    asked: {
      alias: string
      version: string | null
      digest: string | null
      reason: string | null
      by: string
    },
  ): void {
    const { alias, version, digest, reason, by } = asked
    const at = now().wall
    const why = reason === null ? '' : ` (${reason})`
    store.aliases.set(service, { name: alias, to: version, at, by, reason }, (from) => ({
      at,
      service,
      release: null,
      kind: 'command',
      by,
      text:
        version === null
          ? `${by}: @${alias} was taken away, it meant ${from}${why}`
          : `${by}: @${alias} is ${version}${from === null ? '' : `, it was ${from}`}${why}`,
      data: { command: 'alias', alias, from, to: version, digest, reason },
    }))
  }

  /** Named by the manifest, or registered once. */
  function knownTo(name: string): string[] {
    const registered = store.versions.list(name).map(({ version }) => version)
    return [...new Set([...registered, ...registry.versionsOf(name)])]
  }

  function meantNow(service: Service): AliasesView['aliases'] {
    const own = Object.entries(store.aliases.all(service.name))
    return [
      ...computed.flatMap((alias) => {
        const version = compute(service, alias)
        return version === null ? [] : [{ name: alias, version, computed: true }]
      }),
      ...own.map(([alias, version]) => ({ name: alias, version, computed: false })),
    ]
  }

  function aliasesOf(service: Service, before = newest, limit = changesShown): AliasesView {
    const found = store.aliases.history(service.name, before, limit + 1)
    const shown = found.slice(0, limit)
    return {
      service: service.name,
      aliases: meantNow(service),
      history: shown,
      next: found.length > limit ? String(shown.at(-1)!.id) : null,
    }
  }

  function linesOf(service: Service): VersionLine[] {
    const { name } = service
    const aliases = meantNow(service)
    const roles = rolesOf(service)
    const all = new Map(store.versions.list(name).map((one) => [one.version, one]))
    const known = new Set([...all.keys(), ...registry.versionsOf(name)])
    return [...known].map((version) => {
      const registered = all.get(version)
      const written = registry.versionOf(name, version)
      const added = registry.added(name, version)
      const content = registered && (registered.description as { content: VersionContent }).content
      return {
        version,
        digest: registered?.digest ?? null,
        registeredAt: registered?.registeredAt ?? null,
        inManifest: registry.isInManifest(name, version),
        added: added === null ? null : { by: added.by },
        source: sourceOf(
          written?.source ?? sourceIn(registered?.description),
          added?.mlflow ?? null,
        ),
        // Neither makes another version: what the manifest says now stands.
        notes: written === null ? notesOf(registered?.description) : (written.notes ?? null),
        expects: written?.expects ?? content?.expects ?? {},
        aliases: aliases.filter((one) => one.version === version).map((one) => one.name),
        roles: roles.filter((one) => one.version === version).map((one) => one.role),
      }
    })
  }

  function holderOf(service: Service, version: string): string | null {
    const { name } = service
    if (registry.isInManifest(name, version)) return 'named in the manifest'
    const role = rolesOf(service).find((one) => one.version === version)?.role
    // Whatever its phase: what it was begun with is needed to its end.
    const released = [service.release, service.queued].find(
      (one) => one?.bundle.version === version,
    )
    if (role !== undefined) return role
    if (released != null) return `being released (${released.id})`
    const alias = meantNow(service).find((one) => one.version === version)?.name
    return alias === undefined ? null : `@${alias}`
  }

  /** As `linesOf` has it, what is expected is what the manifest says now. */
  async function contentOf(name: string, version: string): Promise<VersionContent> {
    const content = await registry.content(name, version)
    return { ...content, expects: registry.versionOf(name, version)?.expects ?? content.expects }
  }
}

/** While a part of the traffic goes to the new version, the old one is what people call live. */
function rolesOf(service: Service): { version: string; role: VersionLine['roles'][number] }[] {
  const { split, environments } = desiredWorld(service)
  const placed = (['blue', 'green'] as const).flatMap((at) => {
    const { role, placed: bundle } = environments[at]
    if (bundle === null || role === 'empty') return []
    const shown = split === null ? role : split.to === at ? 'candidate' : 'live'
    return [{ version: bundle.version, role: shown }]
  })
  const waiting = [service.release, service.queued].filter(
    (release) => release?.phase.name === 'queued',
  )
  return [
    ...placed,
    ...waiting.map((release) => ({ version: release!.bundle.version, role: 'queued' as const })),
  ]
}

type Said = { commit?: string | undefined; run?: string | undefined }

function sourceIn(description: unknown): Said {
  return (description as { source?: Said | null } | undefined)?.source ?? {}
}

function sourceOf({ commit, run }: Said, mlflow: MlflowSource | null): VersionLine['source'] {
  if ((commit ?? run) === undefined && mlflow === null) return null
  return { commit: commit ?? null, run: run ?? null, mlflow }
}

function refuseIf(complaint: Complaint | null, status: number): void {
  if (complaint !== null) throw new ProblemError({ status, ...complaint })
}
