/** What `plan` answers: schema of the API and type of the code. */
import { z } from 'zod'

/** What a release of this version would take, before anything is started. */
export const planShape = z
  .object({
    service: z.string(),
    version: z.string(),
    alias: z.string().nullable().meta({ description: 'The alias it was asked by, without `@`.' }),
    from: z
      .string()
      .nullable()
      .meta({ description: 'What is live now; null: this would be the first.' }),
    before: z.string().nullable().meta({
      description:
        'Why it could not begin now, or what it would end; null when nothing is in its way.',
    }),
    gates: z.array(z.string()).readonly().meta({ description: 'By name, in order.' }),
    approval: z.boolean(),
    windows: z
      .array(z.string())
      .readonly()
      .meta({ description: 'Traffic would move forward in these only; none: at any time.' }),
    held: z.string().nullable().meta({
      description: 'What would hold the switch back now, as a release that waits says it.',
    }),
    capacity: z
      .object({
        replicas: z.number(),
        gpus: z.number(),
        unknown: z.string().nullable(),
      })
      .meta({
        description:
          'What stands beside what is up now, until the ladder ends. `unknown`: what only a person can answer for.',
      }),
    toSwitchMs: z.number().nullable().meta({
      description:
        'From the request to the switch: the median of `measured` releases of this service; null before there is one. ms',
    }),
    measured: z.number(),
    steps: z
      .object({
        shares: z.array(z.number()).readonly(),
        everyS: z.number(),
      })
      .meta({
        description:
          'Parts of the traffic before all of it; none: it moves in one step. `everyS`: the least time for each.',
      }),
    watch: z.object({
      atLeastS: z.number(),
      atMostS: z.number(),
      control: z.boolean(),
    }),
    standbyS: z.number(),
    ladder: z
      .array(
        z.object({
          rung: z.string(),
          forS: z.number(),
        }),
      )
      .readonly()
      .meta({ description: 'How the old version is kept after the watch, rung by rung.' }),
    cost: z
      .object({
        replicaHours: z.number(),
        placeHours: z.number().optional().meta({ description: 'Of a place in a pool.' }),
        money: z.number().nullable(),
        currency: z.string().nullable(),
        spotHours: z.number().meta({ description: 'Of them, on spot capacity.' }),
        spotSaves: z
          .number()
          .nullable()
          .meta({ description: 'Money, against on demand; it is taken off already.' }),
      })
      .nullable()
      .meta({
        description:
          'Of the second environment, at least: up to the switch as measured, the shortest watch, the whole ladder.',
      }),
    regression: z
      .object({
        oldRate: z.number(),
        newRate: z.number(),
        perSecond: z.number(),
        designs: z
          .array(
            z.object({
              design: z.string(),
              requests: z.number().nullable(),
              seconds: z.number().nullable(),
            }),
          )
          .readonly()
          .meta({ description: 'Infinity is null: never.' }),
        said: z.array(z.string()).readonly(),
      })
      .nullable()
      .meta({ description: 'Null for a first release: there is nothing to compare with.' }),
    moveMs: z.number().nullable().meta({
      description: "The last move of this service's traffic; null before there was one. ms",
    }),
    evicts: z.array(z.string()).readonly().meta({
      description:
        'Candidates of other services that a rollback now would end: they are on its GPU slots.',
    }),
    pool: z
      .object({
        name: z.string(),
        servers: z.number(),
        models: z.number().meta({ description: 'Its places now.' }),
        of: z.number().meta({
          description: 'Its places where every server answers, and nobody else is in them.',
        }),
        holders: z.array(z.string()).readonly().meta({ description: 'Loaded now.' }),
        pushesOut: z.array(z.string()).readonly().meta({
          description: 'Whose way back it would weaken: they would be unloaded for it.',
        }),
        waits: z.boolean().meta({
          description: 'There is no place for it: its own replicas would stay up until there is.',
        }),
      })
      .nullable()
      .meta({
        description: 'That its old version would stand in; null without the rung `shared`.',
      }),
    room: z
      .object({
        fits: z.boolean(),
        limits: z
          .array(
            z.object({
              what: z.enum(['GPU slots', 'memory', 'replicas']),
              needed: z.number(),
              free: z.number(),
              lent: z
                .number()
                .meta({ description: 'Of what is needed, lent by replicas that sleep.' }),
              of: z.number(),
            }),
          )
          .readonly()
          .meta({ description: 'What is limited and asked for; memory in bytes.' }),
        holders: z.array(z.string()).readonly(),
        offers: z
          .array(z.object({ what: z.string(), how: z.string().nullable(), lost: z.string() }))
          .readonly()
          .meta({
            description:
              'What still protects where it does not fit, in order. `how` null: Beryl does not do it.',
          }),
      })
      .nullable()
      .meta({
        description:
          'For a second environment: GPU slots, memory, and the quota of replicas; null where nothing limited is asked for.',
      }),
    policies: z
      .array(
        z.object({
          rung: z.string(),
          inManifest: z.boolean(),
          forS: z.number(),
          replicaHours: z.number(),
          placeHours: z.number().optional().meta({ description: 'Of a place in a pool.' }),
          money: z.number().nullable(),
          currency: z.string().nullable(),
          backMs: z
            .number()
            .nullable()
            .meta({ description: 'Until all of the traffic is back, ms; null: never measured.' }),
          backFrom: z.enum(['moves', 'drills', 'starts', 'unknown']),
          atOnce: z
            .number()
            .meta({ description: 'Part of the traffic that goes back at once, 0 to 1.' }),
          requests: z
            .number()
            .nullable()
            .meta({ description: 'That the bad version answers meanwhile, at this traffic.' }),
          risk: z.string(),
        }),
      )
      .readonly()
      .meta({ description: 'Ways to keep the old version for the time of the ladder.' }),
    strategies: z
      .array(
        z.object({
          strategy: z.enum(['blue-green', 'canary', 'linear', 'replica by replica']),
          offered: z.boolean().meta({ description: 'Whether Beryl does it.' }),
          share: z.number().meta({ description: 'Of the traffic, in its first step.' }),
          verdictMs: z.number().nullable(),
          answers: z
            .number()
            .nullable()
            .meta({ description: 'Of the new version, that clients get until the verdict.' }),
          bad: z.number().nullable().meta({ description: 'Of them, failures.' }),
          backMs: z.number().nullable(),
          replicaHours: z.number().nullable(),
          money: z.number().nullable(),
          currency: z.string().nullable(),
        }),
      )
      .readonly(),
    whatIf: z
      .object({
        traffic: z.number().nullable(),
        gpus: z.number().nullable(),
        standby: z.string().nullable(),
      })
      .meta({ description: 'What was assumed instead of what is.' }),
  })
  .meta({ id: 'Plan' })
export type PlanView = z.infer<typeof planShape>
