/** What the API answers of releases: the same words as the CLI prints and the record keeps. */
import { z } from 'zod'
import { canShape, gateState, now, phaseName } from './words-shapes.ts'

const feedbackKind = z.enum(['score', 'thumbs', 'handoff', 'label'])

/** As the guard says it; shares of what is needed go from 0 to 1. */
export const watchEvidenceShape = z
  .object({
    rollbackEvidence: z.number(),
    promotionEvidence: z.number(),
    strongest: z.string().nullable(),
    falseRollbackRisk: z.number(),
    badPromotionRisk: z.number(),
    total: z.number(),
    bad: z.number(),
    gone: z.number(),
    void: z.number(),
    perSecond: z.number().nullable(),
    setAside: z.number(),
    unheard: z
      .number()
      .meta({ description: 'Answers that were to be read for the guard, and were not.' }),
    unreadable: z.number().meta({ description: 'Values that were none of their signal.' }),
    signals: z
      .array(
        z.object({
          signal: z.string(),
          required: z.boolean(),
          weight: z.number(),
          design: z.string().meta({
            description: '`paired`, `split`, `matched`, `before-after`, `one-sample`, `none`',
          }),
          comparedWith: z.string(),
          said: z.string(),
          judged: z.record(z.string(), z.number()).meta({ description: 'Observations by design.' }),
          rollbackEvidence: z.number(),
          promotionEvidence: z
            .number()
            .nullable()
            .meta({ description: 'Null: by this design it may roll back, never promote.' }),
          toSee: z.number().nullable().meta({
            description:
              'Answers until it is seen, if it is as bad as matters, and until it is cleared; null: never, or unknown.',
          }),
          toClear: z.number().nullable(),
          worseByAtLeast: z.number().nullable().meta({
            description:
              'Pairs: surely worse by at least this much: any tolerance below would roll back.',
          }),
          worseByAtMost: z.number().nullable().meta({
            description:
              'Pairs: surely worse by at most this much: any margin from here on would promote. Null where requests from before the switch count, too.',
          }),
        }),
      )
      .readonly(),
    instances: z
      .array(
        z.object({
          instance: z.string(),
          total: z.number(),
          bad: z.number(),
          evidence: z.number(),
          setAside: z.boolean(),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'WatchEvidence' })
export type WatchEvidence = z.infer<typeof watchEvidenceShape>

export const feedbackAskedShape = z
  .object({
    requestId: z.string().meta({ description: "The answer's `Beryl-Request-Id`." }),
    kind: feedbackKind,
    value: z.unknown(),
  })
  .meta({ id: 'FeedbackAsked' })
export type FeedbackAsked = z.infer<typeof feedbackAskedShape>

/** Who is meant by it: the version that answered. */
export const feedbackShape = z
  .object({
    service: z.string(),
    release: z.string(),
    version: z.string(),
    kind: feedbackKind,
    value: z.union([z.number(), z.boolean(), z.string()]),
    replaced: z.boolean().meta({
      description: 'It took the place of what was said before of the same request and kind.',
    }),
  })
  .meta({ id: 'Feedback' })
export type FeedbackView = z.infer<typeof feedbackShape>

export const eventShape = z
  .object({
    id: z.number(),
    at: z.number(),
    service: z.string().meta({ description: 'Empty: about Beryl itself.' }),
    release: z.string().nullable(),
    kind: z
      .string()
      .meta({ description: '`phase`, `gate`, `replica`, `routing`, `command`, `token`, `alarm`' }),
    by: z.string(),
    text: z.string().meta({ description: 'One sentence.' }),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' })
export type Event = z.infer<typeof eventShape>

export const releaseShape = z
  .object({
    id: z.string(),
    service: z.string(),
    kind: z.enum(['deploy', 'verify', 'rollback']),
    version: z.string(),
    alias: z.string().nullable().meta({
      description: 'The alias its version was asked by, without `@`; null: it was named itself.',
    }),
    digest: z.string(),
    from: z.string().nullable(),
    by: z.string(),
    at: z.number(),
    phase: phaseName,
    since: now,
    phases: z
      .array(
        z.object({
          phase: phaseName,
          at: z.number(),
        }),
      )
      .readonly()
      .meta({ description: 'The phases it has entered so far, in order; wall time, ms.' }),
    waitingFor: z.string().nullable().meta({ description: 'Set in every phase that waits.' }),
    because: z.string().nullable().meta({ description: 'Set in ends and in clearing.' }),
    endsAs: z.string().nullable(),
    paused: z
      .object({
        by: z.string(),
        at: z.number(),
        because: z.string().nullable(),
      })
      .nullable()
      .meta({ description: '`because`: Beryl did it itself.' }),
    gates: z.array(gateState).readonly(),
    leftOut: z
      .array(
        z.object({
          name: z.string(),
          because: z.string(),
        }),
      )
      .readonly(),
    approvals: z
      .array(
        z.object({
          by: z.string(),
          at: z.number(),
          reason: z.string().nullable(),
        }),
      )
      .readonly(),
    can: canShape,
    switched: z
      .object({
        at: z.number(),
        tookMs: z.number(),
        generation: z.number(),
      })
      .nullable()
      .meta({ description: 'The switch, once it has happened: times in ms.' }),
    rolledBack: z
      .object({
        at: z.number(),
        tookMs: z.number(),
        detectMs: z.number(),
        by: z.string(),
        why: z.string(),
      })
      .nullable()
      .meta({
        description:
          'The rollback, once it has happened. `detectMs`: from the switch (or its first step) to the decision.',
      }),
    watch: z
      .object({
        decision: z.string(),
        because: z.string(),
        missing: z.number().nullable(),
        wouldShow: z.boolean().meta({
          description:
            'a regression as large as matters would have shown itself by now: enough for a further step',
        }),
        replace: z.array(z.string()).readonly().meta({
          description: 'Replicas that are replaced because they are worse than their siblings.',
        }),
        evidence: watchEvidenceShape,
      })
      .nullable(),
    feedback: z
      .array(
        z.object({
          kind: feedbackKind,
          count: z.number(),
          mean: z.number().nullable(),
        }),
      )
      .readonly()
      .meta({
        description:
          'What people said of its answers; yes and thumbs up count as 1, labels have no mean.',
      }),
    cost: z
      .object({
        replicaHours: z.number(),
        money: z.number().nullable(),
        currency: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'Release' })
export type ReleaseView = z.infer<typeof releaseShape>
