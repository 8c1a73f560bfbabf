/** What the API answers: the same words as the CLI prints and the record keeps. One schema each: its type, its check, its documentation. */
import { z } from 'zod'
import { releaseShape } from './release-shapes.ts'
import { roles } from './rights.ts'
import { command, environment, role } from './words-shapes.ts'

export type { AddedView, CostView, SumView } from './cost-shapes.ts'
export type { PlanView } from './plan-shape.ts'
export type {
  Event,
  FeedbackAsked,
  FeedbackView,
  ReleaseView,
  WatchEvidence,
} from './release-shapes.ts'
export type {
  AliasesView,
  DiffView,
  RemovedVersion,
  VersionLine,
  VersionsView,
  VersionView,
} from './version-shapes.ts'
export type { Can } from './words-shapes.ts'

export const environmentShape = z
  .object({
    role: role,
    version: z.string().nullable(),
    asked: z.number().meta({ description: 'Replicas that should be here.' }),
    answers: z
      .object({
        total: z.number(),
        bad: z.number(),
      })
      .meta({
        description:
          'What clients got from the version that is here, since its release began; its own failures in `bad`.',
      }),
    replicas: z
      .array(
        z.object({
          id: z.string(),
          state: z.string(),
          because: z.string().nullable(),
          address: z.string(),
          pid: z.number().nullable(),
          restarts: z.number(),
          spot: z
            .object({ lost: z.number(), short: z.boolean(), noticed: z.boolean() })
            .nullable()
            .meta({
              description:
                'On capacity that may be taken away: how often it was lost, whether it is asked for now and then only, whether it is about to be taken; null: on demand.',
            }),
        }),
      )
      .readonly(),
    inFlight: z.number(),
    share: z
      .number()
      .meta({ description: "Of the service's traffic, 0 to 1, as the gateway divides it now." }),
  })
  .meta({ id: 'Environment' })
export type EnvironmentView = z.infer<typeof environmentShape>

/** `service` null: everything. Wall times in ms; `until` null: until somebody lifts it. */
export const freezeShape = z
  .object({
    service: z.string().nullable(),
    by: z.string(),
    reason: z.string(),
    at: z.number(),
    until: z.number().nullable(),
  })
  .meta({ id: 'Freeze' })
export type FreezeView = z.infer<typeof freezeShape>

export const serviceShape = z
  .object({
    service: z.string(),
    url: z.string().meta({ description: 'Where clients reach it, e.g. `http://127.0.0.1:8080/`.' }),
    live: z
      .object({
        environment: environment,
        version: z.string(),
        digest: z.string(),
        since: z.number(),
      })
      .nullable()
      .meta({ description: '`none` until a first release is live.' }),
    standby: z
      .object({
        environment: environment,
        version: z.string(),
        rung: z.string(),
      })
      .nullable()
      .meta({ description: '`rung`: `full`, or how many replicas are kept.' }),
    generation: z.number(),
    environments: z.record(environment, environmentShape),
    release: releaseShape.nullable(),
    queued: releaseShape.nullable(),
    versions: z
      .array(
        z.object({
          version: z.string(),
          digest: z.string().nullable(),
          notes: z.string().nullable(),
        }),
      )
      .readonly(),
    wayBack: z
      .object({
        possible: z.boolean(),
        because: z.string(),
        rung: z.string().nullable().meta({ description: 'Of the standby; null without one.' }),
        measuredMs: z.number().nullable().meta({
          description: 'To full capacity: the last move, or on a lower rung the last drill.',
        }),
        drilledAt: z.number().nullable().meta({
          description: 'When the way back was last tried out, or on rung `full` probed; wall ms.',
        }),
        drillFailed: z
          .string()
          .nullable()
          .meta({ description: 'Why that failed; null: it did not.' }),
        weakened: z.string().nullable().meta({
          description: 'What it lacks of what its rung keeps ready; null: nothing.',
        }),
      })
      .meta({ description: 'Is there a way back, and how long would it take right now?' }),
    frozen: z.array(freezeShape).readonly().meta({
      description:
        "What holds its traffic back from moving forward, by somebody's word; of everything first.",
    }),
    can: z.record(z.enum([...command.options, 'deploy']), z.string().nullable()),
    problems: z.array(z.string()).readonly(),
  })
  .meta({ id: 'Service' })
export type ServiceView = z.infer<typeof serviceShape>

/** One event of `/live`. */
export const liveShape = z
  .object({
    at: z.number().meta({ description: 'Wall time, ms.' }),
    services: z.array(serviceShape).readonly(),
  })
  .meta({ id: 'Live' })
export type LiveView = z.infer<typeof liveShape>

/** Whom Beryl tells of what happens, and what they have not taken. Wall times in ms. */
export const notificationsShape = z
  .object({
    receivers: z
      .array(
        z.object({
          id: z.string(),
          to: z
            .string()
            .meta({ description: 'Its address without path and query, which may be secret.' }),
          format: z.enum(['cloudevents', 'slack', 'command']),
          on: z.array(z.string()).readonly(),
          waiting: z.number(),
          since: z.number().nullable().meta({ description: 'Of the oldest that waits.' }),
          dead: z.number(),
          because: z
            .string()
            .nullable()
            .meta({ description: 'Why the last try failed, of what is not taken yet.' }),
        }),
      )
      .readonly(),
    dead: z
      .array(
        z.object({
          receiver: z.string(),
          event: z.number(),
          told: z.string(),
          text: z.string(),
          tries: z.number(),
          since: z.number(),
          because: z.string(),
        }),
      )
      .readonly()
      .meta({ description: 'Given up after a day, newest first; at most 100.' }),
  })
  .meta({ id: 'Notifications' })
export type NotificationsView = z.infer<typeof notificationsShape>

/** Recorded production traffic of a service. */
export const captureShape = z
  .object({
    service: z.string(),
    settings: z
      .object({
        share: z.number(),
        keepS: z.number(),
        atMostBytes: z.number(),
      })
      .nullable()
      .meta({ description: 'Null: nothing is recorded now; what is there grows old and goes.' }),
    records: z.number(),
    bytes: z.number(),
    oldest: z.number().nullable().meta({ description: 'Wall time, ms.' }),
    dropped: z.record(z.string(), z.number()).meta({
      description:
        'Exchanges that were chosen and not kept, since the examiner started, by reason.',
    }),
    newest: z
      .array(
        z.object({
          at: z.number(),
          version: z.string(),
          requestId: z.string(),
        }),
      )
      .readonly()
      .meta({ description: 'Of the newest records.' }),
  })
  .meta({ id: 'Capture' })
export type CaptureView = z.infer<typeof captureShape>

/** Oldest first; `next` is handed back as `after`. */
export const capturedPageShape = z
  .object({
    records: z.array(z.unknown()).readonly(),
    damaged: z
      .number()
      .meta({ description: 'Lines that were torn or changed on the disk, and are left out.' }),
    next: z.string().nullable(),
  })
  .meta({ id: 'CapturedPage' })
export type CapturedPage = z.infer<typeof capturedPageShape>

/** How far the record goes back, and how far it may. */
export const recordShape = z
  .object({
    events: z.number(),
    releases: z.number(),
    bytes: z.number().meta({ description: 'Of the database, in use.' }),
    oldest: z
      .number()
      .nullable()
      .meta({ description: 'Wall time of the oldest event, ms; null: there is none.' }),
    keepS: z.number(),
    atMostBytes: z.number(),
  })
  .meta({ id: 'Record' })
export type RecordView = z.infer<typeof recordShape>

/** What an edited manifest changes: in place, or only said (`--dry-run`). */
export const applyShape = z
  .object({
    applied: z.boolean(),
    changes: z
      .array(
        z.object({
          path: z.string(),
          from: z.unknown().optional(),
          to: z.unknown().optional(),
          when: z.enum(['now', 'next release', 'next start', 'refused']),
          because: z.string().optional(),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'Apply' })
export type ApplyView = z.infer<typeof applyShape>

/** Requests in flight; `more` were left out, and those of a gateway worker that is busy are missing. */
export const openShape = z
  .object({
    open: z
      .array(
        z.object({
          requestId: z.string(),
          environment: environment,
          generation: z.number(),
          ageMs: z.number(),
          bytesIn: z.number(),
          bytesOut: z.number(),
          kind: z.enum(['request', 'upgrade']),
        }),
      )
      .readonly(),
    more: z.number(),
  })
  .meta({ id: 'Open' })
export type OpenView = z.infer<typeof openShape>

/** Never with the token itself. Times are wall time, ms. */
export const tokenShape = z
  .object({
    name: z.string().meta({ description: 'The actor in the record.' }),
    role: z.enum(roles),
    createdAt: z.number(),
    createdBy: z.string(),
    expiresAt: z.number().nullable().meta({ description: 'Null: good until it is revoked.' }),
    isExpired: z.boolean(),
    usedOn: z
      .string()
      .nullable()
      .meta({ description: 'The last day it was used, UTC, such as 2026-05-01.' }),
  })
  .meta({ id: 'Token' })
export type TokenView = z.infer<typeof tokenShape>

/** Said once, to whoever made it. */
export const newTokenShape = tokenShape
  .extend({
    token: z.string(),
  })
  .meta({ id: 'NewToken' })
export type NewTokenView = z.infer<typeof newTokenShape>

/** Who is signed in; all null once signed out. `until`: wall time, ms; null for a token. */
export const sessionShape = z
  .object({
    actor: z.string().nullable(),
    role: z.enum(roles).nullable(),
    until: z.number().nullable(),
  })
  .meta({ id: 'Session' })
