/** Where a version stands: in the manifest as it is now, or added beside it (`beryl versions SERVICE add`). The manifest's word goes first. */
import type { Loaded } from '../../config/load.ts'
import { version as versionSchema } from '../../config/manifest.ts'
import type { VersionManifest, VersionText } from '../../config/manifest.ts'
import { nearest } from '../../config/nearest.ts'
import { sealVersion } from '../../config/seal.ts'
import { substitute } from '../../config/substitute.ts'
import type { Missing } from '../../config/substitute.ts'
import { ProblemError } from '../../ipc/problem.ts'
import type { MlflowSource } from '../../versions/mlflow.ts'
import type { ControllerStore } from '../store.ts'

/** As it was asked for: secrets by name, never by value. */
export type Added = { written: VersionText; by: string; mlflow: MlflowSource | null }

export type VersionSources = ReturnType<typeof versionSources>

export function versionSources({
  current,
  store,
}: {
  current: () => Loaded
  store: Pick<ControllerStore, 'versions'>
}) {
  const inManifest = (service: string): Record<string, VersionManifest> =>
    current().manifest.services[service]?.versions ?? {}
  const isInManifest = (service: string, version: string) =>
    Object.hasOwn(inManifest(service), version)

  /** Beside the manifest; null: none. */
  function added(service: string, version: string): Added | null {
    const known = store.versions.find(service, version)
    return known === null || known.removedAt !== null ? null : (known.added as Added | null)
  }

  function find(service: string, version: string): VersionManifest | null {
    if (isInManifest(service, version)) return inManifest(service)[version]!
    const known = added(service, version)
    return known === null ? null : resolved(known.written)
  }

  return {
    isInManifest,
    added,
    /** As it stands now; null: neither the manifest nor `add` names it. */
    find,

    names(service: string): readonly string[] {
      const beside = store.versions.list(service).filter((one) => one.added !== null)
      const names = [...Object.keys(inManifest(service)), ...beside.map(({ version }) => version)]
      return [...new Set(names)]
    },

    /** @throws ProblemError `no-such-version`, `missing-variable` */
    named(service: string, version: string): VersionManifest {
      const found = find(service, version)
      if (found === null) {
        const known = this.names(service)
        throw new ProblemError({
          status: 404,
          code: 'no-such-version',
          title: `${service} has no version ${version}${nearest(version, known)}`,
          hint: `versions in ${current().file}${known.every((one) => isInManifest(service, one)) ? '' : ' and beside it'}: ${known.join(', ')}`,
        })
      }
      if (!isInManifest(service, version))
        complete(service, version, added(service, version)!.written)
      return found
    },

    /** With secrets by name: what is kept. */
    sealed(service: string, version: string): VersionManifest {
      if (isInManifest(service, version))
        return current().sealed.services[service]!.versions[version]!
      const { written } = added(service, version)!
      return sealVersion(written, resolved(written))
    },

    /** Variables and arguments with `${NAME}` in them, as somebody wrote them. */
    written(service: string, version: string): Pick<VersionManifest, 'env' | 'args'> {
      const text = isInManifest(service, version)
        ? current().asWritten.services[service]!.versions[version]!
        : added(service, version)!.written
      return { env: text.env ?? {}, args: text.args ?? [] }
    },
  }
}

/** Variables of this process that it names and that are not set. */
export function missingIn(written: VersionText): readonly Missing[] {
  return substitute(written, process.env).missing
}

/** With `${NAME}` put in; a variable that is not set is empty. */
function resolved(written: VersionText): VersionManifest {
  return versionSchema.parse(substitute(written, process.env).value)
}

/** @throws ProblemError `missing-variable` */
function complete(service: string, version: string, written: VersionText): void {
  const missing = missingIn(written)
  if (missing.length === 0) return
  throw new ProblemError({
    status: 409,
    code: 'missing-variable',
    title: `${version} of ${service} needs ${missing.map(({ name }) => name).join(', ')}, which the environment of this Beryl does not have`,
    hint: 'set it for `beryl up`; `$${NAME}` is the text itself',
  })
}
