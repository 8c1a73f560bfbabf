/** Whom to tell of what happens. A part of the manifest's schema. */
import { z } from 'zod'
import { wait } from './words.ts'

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
      )
      .optional(),
    /** In place of an address: a program and its arguments, without a shell, beside the manifest. Told by BERYL_* variables. */
    command: z.array(z.string()).min(1, 'expected a program').optional(),
    /** Of a command; then it is killed with its children. */
    within: wait.optional(),
    format: z.enum(['cloudevents', 'slack']).default('cloudevents'),
    /** Signs what is sent; whoever receives it checks the signature. */
    secret: z
      .string()
      .min(secretMin, `expected a secret of at least ${secretMin} characters`)
      .optional(),
    on: z.array(z.enum(told)).min(1, 'expected at least one').default(usual),
  })
  .superRefine(({ url, command, within, format, secret }, context) => {
    const wrong = (path: string, message: string) =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (url === undefined && command === undefined)
      return wrong('url', 'expected an address, or `command` in its place')
    if (command === undefined && within !== undefined)
      wrong('within', 'expected it with `command` only: an address has 5 s to answer')
    if (command !== undefined) {
      if (url !== undefined) wrong('command', 'expected `url` or `command`, came both')
      if (secret !== undefined) wrong('secret', 'expected none with `command`: nothing is signed')
      if (format === 'slack') wrong('format', 'expected none with `command`')
      return
    }
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

/** What tells one receiver from another. May hold a secret. */
export function receiverOf({ url, command, format }: NotificationManifest): string {
  return command === undefined ? `${format} ${url}` : `command ${JSON.stringify(command)}`
}
