/** What was seen over time, column by column: every list has one place for each time in `at`. */
import { z } from 'zod'

const wall = z.int().meta({ description: 'wall time, ms' })
/** Null: nobody looked, a gap; of times and means also: nothing to tell. */
const column = z.array(z.number().nullable())

export const curvesShape = z.object({
  everyMs: z.int().meta({ description: 'length of a slot, ms' }),
  at: z.array(wall).max(240).meta({ description: 'when each slot begins, without holes' }),
  sides: z.array(
    z.object({
      side: z.enum(['new', 'old', 'blue', 'green']).meta({
        description: 'of a release its version and the one before; of a service its places',
      }),
      version: z.string().nullable(),
      answers: column,
      bad: column,
      copies: column.meta({ description: 'of the answers: asked for comparison, given to nobody' }),
      p50Ms: column.meta({ description: 'of good answers, within 4.1 %' }),
      p95Ms: column,
    }),
  ),
  evidence: z.array(
    z.object({
      signal: z.string(),
      rollback: column.meta({ description: 'of what rolls it back, 0 to 1' }),
      promotion: column.meta({
        description: 'of what promotes it; null: by its design it never does',
      }),
    }),
  ),
  feedback: z.array(
    z.object({
      side: z.enum(['new', 'old']),
      kind: z.enum(['score', 'thumbs', 'handoff']),
      count: column,
      mean: column,
    }),
  ),
})

export type CurvesView = z.output<typeof curvesShape>
