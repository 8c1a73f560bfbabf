/** `requests:` of a service: deadlines, sizes, limits, second tries, copies; and what single paths have of their own. */
import { z } from 'zod'
import { headerName } from './traffic.ts'
import { share, size } from './units.ts'
import { path, prefix, wait } from './words.ts'

const method = z.enum(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH'])

/** What requests under a path have of their own; what is left out is as for the service. */
const ofPath = z
  .strictObject({
    body: z.union([size, z.literal('any')]).optional(),
    bodySilence: wait.optional(),
    firstByte: wait.optional(),
    silence: wait.optional(),
    total: z.union([wait, z.literal('none')]).optional(),
    retry: z.strictObject({ methods: z.array(method) }).optional(),
  })
  .refine((rules) => Object.keys(rules).length > 0, 'expected at least one rule')

/** How requests are treated. Applies at once to whatever is live. */
export const requests = z.strictObject({
  /** The largest body; more is refused (413). */
  body: size.optional(),
  /** Between two pieces of a request's body (408). */
  bodySilence: wait.default(60),
  /** From the last piece of the request to the first byte of the answer. */
  firstByte: wait.default(60),
  /** Between two pieces of an answer. */
  silence: wait.default(300),
  /** For everything; answers that are streams are exempt. */
  total: wait.optional(),
  /** At one replica at a time; more wait in the queue. */
  concurrent: z.int().min(1).max(100_000).optional(),
  queue: z
    .strictObject({ atMost: z.int().min(0).max(100_000).default(100), for: wait.default(10) })
    .prefault({}),
  /** To each replica, of each of the gateway's workers: kept for the next request. */
  connections: z
    .strictObject({
      idle: z.int().min(0).max(10_000).default(256),
      idleFor: wait.optional(),
      /** Then it is closed, and another one opened. */
      requests: z.int().min(1).optional(),
    })
    .prefault({}),
  /** The same value goes to the same replica; it never chooses the version. */
  affinity: z.strictObject({ by: z.enum(['header', 'cookie']), name: headerName }).optional(),
  /** Methods that may reach a second replica though the first one may have seen the request; and second tries, as a share. */
  retry: z
    .strictObject({
      methods: z.array(method).default([]),
      share: share.default(0.2),
    })
    .prefault({}),
  /** What may be sent to the other environment too: a copy may have effects (the control group). */
  copy: z
    .strictObject({
      methods: z
        .array(z.enum(['GET', 'HEAD', 'OPTIONS', 'POST']))
        .min(1)
        .default(['GET', 'HEAD', 'POST']),
      exclude: z.array(path).default([]),
    })
    .prefault({}),
  /** By path prefix, as clients ask for it; the longest one counts. */
  paths: z
    .record(prefix, ofPath)
    .refine((all) => Object.keys(all).length <= 200, 'expected at most 200 paths')
    .default({}),
})

export type RequestsManifest = z.output<typeof requests>
