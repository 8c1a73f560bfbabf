/** Words of the heart, as the API writes them: each list is held to its type, both ways. */
import { z } from 'zod'
import { commands } from '../release/release-can.ts'
import type { Environment, GateState, Phase, Role } from '../release/release.ts'

export const environment = z.enum(['blue', 'green']) satisfies z.ZodType<Environment>
export const role = z.enum(['live', 'candidate', 'standby', 'empty']) satisfies z.ZodType<Role>
export const command = z.enum(commands)
export const phaseName = z.enum([
  'queued',
  'provisioning',
  'warming',
  'verifying',
  'awaiting-approval',
  'switching',
  'watching',
  'stabilizing',
  'rolling-back',
  'clearing',
  'finished',
  'rejected',
  'rolled-back',
  'aborted',
  'verified',
]) satisfies z.ZodType<Phase['name']>
export const now = z.object({
  wall: z.number().meta({ description: 'ms since 1970' }),
  up: z.number().meta({ description: 'seconds since the machine booted' }),
})
export const gateState = z
  .discriminatedUnion('state', [
    z.object({ name: z.string(), state: z.literal('waiting') }),
    z.object({
      name: z.string(),
      state: z.literal('running'),
      attempt: z.number(),
      since: now.exactOptional(),
      progress: z.string().exactOptional(),
    }),
    z.object({
      name: z.string(),
      state: z.literal('decided'),
      attempt: z.number(),
      at: z.number(),
      verdict: z.enum(['pass', 'fail', 'undecided']),
      because: z.string(),
      evidence: z.record(z.string(), z.unknown()),
    }),
  ])
  .meta({ id: 'GateState' }) satisfies z.ZodType<GateState>

/** What would be said to each command now, to whoever asks: null = allowed, else the reason. */
export const canShape = z.record(command, z.string().nullable())
export type Can = z.infer<typeof canShape>
