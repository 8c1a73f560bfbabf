/** What the API answers of money and hours. */
import { z } from 'zod'
import { environment } from './words-shapes.ts'

export const sumShape = z
  .object({
    replicaHours: z.number(),
    placeHours: z.number().optional().meta({
      description: 'Of places in pools of servers, which a replica is not; absent: none.',
    }),
    money: z.number().nullable(),
    currency: z.string().nullable(),
  })
  .meta({ id: 'Sum' })
export type SumView = z.infer<typeof sumShape>

/** What blue-green added. `over`: hours that a single environment would have used meanwhile; `share` of them; null: none. */
export const addedShape = sumShape
  .extend({
    over: z.number(),
    share: z.number().nullable(),
  })
  .meta({ id: 'Added' })
export type AddedView = z.infer<typeof addedShape>

const tokensShape = z.object({
  asked: z.number(),
  written: z.number(),
  estimated: z.number().meta({
    description: 'Of `written`: counted from streams whose server does not say, an event as one.',
  }),
  askedNotKnown: z.number().meta({ description: 'Requests.' }),
  writtenNotKnown: z.number().meta({ description: 'Answers.' }),
})

/** The ledger. Hours are replica-hours; money is null where no release had a price, or two had different currencies. */
export const costShape = z
  .object({
    service: z.string(),
    currency: z.string().nullable(),
    lines: z
      .array(
        sumShape.extend({
          release: z.string(),
          version: z.string(),
          environment: environment,
          role: z
            .enum(['live', 'candidate', 'standby'])
            .meta({ description: '`candidate`: before its switch; `standby`: after it was left.' }),
          pool: z.string().optional().meta({ description: 'It is a model in this pool.' }),
          spot: z.boolean().meta({ description: 'On capacity that may be taken away.' }),
        }),
      )
      .readonly(),
    releases: z
      .array(
        sumShape.extend({
          release: z.string(),
          version: z.string(),
          hours: z
            .record(z.enum(['live', 'candidate', 'standby']), z.number())
            .meta({ description: 'Of its own replicas, as are its sums.' }),
          added: addedShape.meta({
            description: 'For its sake: its candidate, and the version it left as a standby.',
          }),
          requests: z
            .object({
              mirrored: z.number(),
              replayed: z.number(),
              judged: z.number(),
              golden: z.number(),
              load: z.number(),
            })
            .meta({
              description:
                'Asked beside clients, as the last attempt of each gate and the watch put down: copies of live requests, recorded ones, those whose answers were judged in pairs, and those of golden sets and load.',
            }),
          tokens: tokensShape.nullable().meta({
            description:
              'Of what gates asked of both versions (protocol openai): `usage` of the answers. Null: nothing was counted.',
          }),
          judgeTokens: tokensShape.nullable().meta({
            description: 'Of the models that judged or compared answers.',
          }),
        }),
      )
      .readonly(),
    rungs: z
      .array(
        z.object({
          release: z.string().meta({ description: 'That left this standby.' }),
          rung: z.string(),
          hours: z.number().meta({ description: 'How long it stood there.' }),
          kept: sumShape,
          saved: sumShape.meta({ description: 'Against all of its replicas for that time.' }),
        }),
      )
      .readonly(),
    total: sumShape,
    spot: sumShape
      .extend({
        saved: z.number().nullable().meta({
          description: 'What it would have cost beyond that on demand; null: not known.',
        }),
      })
      .meta({ description: 'Of the total, on capacity that may be taken away.' }),
    added: addedShape,
    last30Days: z.object({
      from: z.number().meta({ description: 'Wall time, ms.' }),
      total: sumShape,
      added: addedShape,
    }),
    months: z
      .array(
        z.object({
          month: z.string().meta({ description: 'UTC, such as 2026-11.' }),
          total: sumShape,
          added: addedShape,
          savedHours: z.number().meta({ description: 'Replica-hours that lower rungs saved.' }),
        }),
      )
      .readonly()
      .meta({ description: 'The newest twelve, oldest first.' }),
    unpricedHours: z.number().meta({
      description: 'Hours of releases whose manifest had no price: no sum of money holds them.',
    }),
    gaps: z
      .array(
        z.object({
          from: z.number(),
          to: z.number(),
          replicas: z.number(),
          replicaHours: z.number(),
        }),
      )
      .readonly()
      .meta({
        description:
          'While Beryl was not there, from and to in ms: these were up before and not found again after, and are counted nowhere.',
      }),
  })
  .meta({ id: 'Cost' })
export type CostView = z.infer<typeof costShape>
