/** What the API says of versions and the names people give them. */
import { z } from 'zod'
import { releaseShape } from './release-shapes.ts'
import { phaseName } from './words-shapes.ts'

const releaseKind = releaseShape.shape.kind

export const versionLineShape = z
  .object({
    version: z.string(),
    digest: z.string().nullable().meta({
      description: 'Null until it is registered: by its first deploy or verify, or by an alias.',
    }),
    registeredAt: z.number().nullable().meta({ description: 'Wall time, ms.' }),
    inManifest: z.boolean().meta({
      description:
        'What stands neither in the manifest nor was added beside it cannot be deployed.',
    }),
    added: z
      .object({
        by: z.string(),
      })
      .nullable(),
    notes: z.string().nullable(),
    source: z
      .object({
        commit: z.string().nullable(),
        run: z.string().nullable().meta({ description: 'That trained it.' }),
        mlflow: z
          .object({
            url: z.string(),
            model: z.string(),
            version: z.string(),
            alias: z.string().nullable(),
            artifacts: z.string(),
          })
          .nullable(),
      })
      .nullable()
      .meta({ description: 'Where it comes from, as far as somebody said.' }),
    expects: z.record(z.string(), z.number()).readonly(),
    aliases: z
      .array(z.string())
      .readonly()
      .meta({ description: 'Without `@`; `live` and `previous` among them.' }),
    roles: z.array(z.enum(['live', 'standby', 'candidate', 'queued'])).readonly(),
  })
  .meta({ id: 'VersionLine' })
export type VersionLine = z.infer<typeof versionLineShape>

export const versionsShape = z
  .object({
    service: z.string(),
    versions: z.array(versionLineShape).readonly(),
  })
  .meta({ id: 'Versions' })
export type VersionsView = z.infer<typeof versionsShape>

export const versionShape = versionLineShape
  .extend({
    service: z.string(),
    files: z
      .array(
        z.object({
          key: z.string(),
          path: z.string(),
          size: z.number(),
          sha256: z.string(),
        }),
      )
      .readonly()
      .meta({
        description:
          'As registered; of a version that is not, as they are now. `key`: `model`, `prompt`, `tokenizer` or `config`.',
      }),
    args: z.array(z.string()).readonly(),
    env: z
      .array(z.string())
      .readonly()
      .meta({ description: 'Names only: values are kept nowhere.' }),
    releases: z
      .array(
        z.object({
          id: z.string(),
          kind: releaseKind,
          at: z.number(),
          by: z.string(),
          alias: z.string().nullable(),
          phase: phaseName,
          because: z.string().nullable(),
        }),
      )
      .readonly()
      .meta({ description: 'Newest first.' }),
  })
  .meta({ id: 'Version' })
export type VersionView = z.infer<typeof versionShape>

export const removedVersionShape = z
  .object({
    service: z.string(),
    version: z.string(),
    digest: z.string(),
  })
  .meta({ id: 'RemovedVersion' })
export type RemovedVersion = z.infer<typeof removedVersionShape>

/** Null: it is not there. */
export const diffShape = z
  .object({
    service: z.string(),
    from: z.string(),
    to: z.string(),
    files: z
      .array(
        z.object({
          key: z.string(),
          path: z.string(),
          from: z
            .object({
              size: z.number(),
              sha256: z.string(),
            })
            .nullable(),
          to: z
            .object({
              size: z.number(),
              sha256: z.string(),
            })
            .nullable(),
        }),
      )
      .readonly()
      .meta({ description: 'Those that differ; `same`: how many do not.' }),
    same: z.number(),
    args: z
      .object({
        from: z.array(z.string()).readonly(),
        to: z.array(z.string()).readonly(),
      })
      .nullable(),
    env: z
      .array(
        z.object({
          name: z.string(),
          change: z.enum(['added', 'removed', 'changed']),
        }),
      )
      .readonly(),
    expects: z
      .array(
        z.object({
          name: z.string(),
          from: z.number().nullable(),
          to: z.number().nullable(),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'Diff' })
export type DiffView = z.infer<typeof diffShape>

export const aliasesShape = z
  .object({
    service: z.string(),
    aliases: z
      .array(
        z.object({
          name: z.string(),
          version: z.string(),
          computed: z.boolean(),
        }),
      )
      .readonly()
      .meta({ description: 'What each means now. `computed`: by Beryl.' }),
    history: z
      .array(
        z.object({
          id: z.int(),
          name: z.string(),
          from: z.string().nullable(),
          to: z.string().nullable(),
          at: z.number(),
          by: z.string(),
          reason: z.string().nullable(),
        }),
      )
      .readonly()
      .meta({
        description:
          'Changes of the others, newest first; null: it meant nothing before, or was taken away.',
      }),
    next: z
      .string()
      .nullable()
      .meta({ description: '`after` of the page with older changes; null: there are none.' }),
  })
  .meta({ id: 'Aliases' })
export type AliasesView = z.infer<typeof aliasesShape>

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
