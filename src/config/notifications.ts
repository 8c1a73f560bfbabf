/** Whom to tell of what happens. A part of the manifest's schema. */
import { z } from 'zod'

/** What may be told: each is one kind of entry in the record. */
export const told = [
  'deployed',
  'waiting',
  'step',
  'switched',
  'rolling-back',
  'rolled-back',
  'rejected',
  'aborted',
  'finished',
  'verified',
  'alarm',
  'frozen',
] as const

/** What somebody has to act on, or will be asked about. */
const usual: Told[] = ['waiting', 'switched', 'rolling-back', 'rolled-back', 'rejected', 'alarm']

/** Shorter ones are guessed. */
const secretMin = 16

export const notification = z
  .strictObject({
    /** May hold a secret, as those of Slack do: shown by its origin only. */
    url: z
      .string()
      .regex(
        /^https?:\/\/[^\s/?#@]+([/?][^\s#]*)?$/,
        'expected http://… or https://…, without user and password',
      )
      .refine(
        (text) => URL.canParse(text),
        'expected an address, such as https://ops.example.com/beryl',
      ),
    format: z.enum(['cloudevents', 'slack']).default('cloudevents'),
    /** Signs what is sent; whoever receives it checks the signature. */
    secret: z
      .string()
      .min(secretMin, `expected a secret of at least ${secretMin} characters`)
      .optional(),
    on: z.array(z.enum(told)).min(1, 'expected at least one').default(usual),
  })
  .superRefine(({ format, secret }, context) => {
    const [missing, useless] = [secret === undefined, secret !== undefined]
    if (format === 'cloudevents' && missing)
      context.addIssue({
        code: 'custom',
        path: ['secret'],
        message: 'expected a secret such as ${HOOK_SECRET}: what is sent is signed with it',
      })
    if (format === 'slack' && useless)
      context.addIssue({
        code: 'custom',
        path: ['secret'],
        message:
          'expected none with `format: slack`: Slack checks no signature, its address is the secret',
      })
  })

export type Told = (typeof told)[number]
export type NotificationManifest = z.output<typeof notification>
