/** What the API says of versions and the names people give them. */
import type { Phase } from '../release/release.ts'
import type { ReleaseView } from './shapes.ts'

export type VersionsView = { service: string; versions: readonly VersionLine[] }

export type VersionLine = {
  version: string
  /** Null until it is registered: by its first deploy or verify, or by an alias. */
  digest: string | null
  /** Wall time, ms. */
  registeredAt: number | null
  /** What stands neither in the manifest nor was added beside it cannot be deployed. */
  inManifest: boolean
  added: { by: string } | null
  notes: string | null
  /** Where it comes from, as far as somebody said. */
  source: {
    commit: string | null
    /** That trained it. */
    run: string | null
    mlflow: {
      url: string
      model: string
      version: string
      alias: string | null
      artifacts: string
    } | null
  } | null
  expects: Readonly<Record<string, number>>
  /** Without `@`; `live` and `previous` among them. */
  aliases: readonly string[]
  roles: readonly ('live' | 'standby' | 'candidate' | 'queued')[]
}

/** A version that is added beside those of the manifest. */
export type AddAsked = {
  name: string
  /** Paths (relative to the manifest) or pinned references. */
  files: { model?: string; prompt?: string; tokenizer?: string; config?: string }
  args: readonly string[]
  /** Secrets as `${NAME}`. */
  env: Readonly<Record<string, string>>
  expects: Readonly<Record<string, number>>
  notes: string | null
  commit: string | null
  run: string | null
  /** `models:/NAME/NUMBER` or `models:/NAME@ALIAS`. `url` null: MLFLOW_TRACKING_URI of the Beryl that runs. */
  mlflow: { model: string; url: string | null } | null
}

export type RemovedVersion = { service: string; version: string; digest: string }

export type VersionView = VersionLine & {
  service: string
  /** As registered; of a version that is not, as they are now. `key`: `model`, `prompt`, `tokenizer` or `config`. */
  files: readonly { key: string; path: string; size: number; sha256: string }[]
  args: readonly string[]
  /** Names only: values are kept nowhere. */
  env: readonly string[]
  /** Newest first. */
  releases: readonly {
    id: string
    kind: ReleaseView['kind']
    at: number
    by: string
    alias: string | null
    phase: Phase['name']
    because: string | null
  }[]
}

/** Null: it is not there. */
export type DiffView = {
  service: string
  from: string
  to: string
  /** Those that differ; `same`: how many do not. */
  files: readonly {
    key: string
    path: string
    from: { size: number; sha256: string } | null
    to: { size: number; sha256: string } | null
  }[]
  same: number
  args: { from: readonly string[]; to: readonly string[] } | null
  env: readonly { name: string; change: 'added' | 'removed' | 'changed' }[]
  expects: readonly { name: string; from: number | null; to: number | null }[]
}

export type AliasesView = {
  service: string
  /** What each means now. `computed`: by Beryl. */
  aliases: readonly { name: string; version: string; computed: boolean }[]
  /** Every change of the others, oldest first; null: it meant nothing before, or was taken away. */
  history: readonly {
    name: string
    from: string | null
    to: string | null
    at: number
    by: string
    reason: string | null
  }[]
}
