/** `verify` in the manifest: one schema for each kind of gate. */
import { z } from 'zod'
import { score } from './scores.ts'
import { compatibility, headerName, jsonPath, replay, shadow } from './traffic.ts'
import { duration, pause, rate, rateOrShare, share } from './units.ts'
import { env, named, path, url, wait } from './words.ts'

const request = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT']).default('POST'),
  path,
  headers: z.record(z.string(), z.string()).default({}),
  timeout: pause.default(10),
})

/** Whose requests are sent. */
const from = z.enum(['captures', 'goldenSet']).optional()

const warmUp = z.strictObject({
  until: z.literal('stable').default('stable'),
  within: duration.default(180),
  /** Without it: recorded requests where enough are there, else the golden set. */
  from,
  /** Of recorded requests, in place of those that were taken out. */
  headers: z.record(headerName, z.string()).default({}),
  /** Where to send; without it, the request of the first golden set. */
  request: request.optional(),
  concurrency: z.int().min(1).max(256).default(4),
})

/** The gate runs and reports, and decides nothing. */
const dryRun = z.boolean().default(false)

const identity = z.strictObject({
  /** GET; answered by every replica. Without it what the protocol has: `/v1/models` (openai), the metadata of `model` (kserve-v2). */
  path: path.optional(),
  /** Of KServe V2: its metadata name the versions that are loaded. Placeholders as in `is`. */
  model: named.optional(),
  headers: z.record(z.string(), z.string()).default({}),
  /** Where in the answer; without it: the whole body. */
  answer: z.string().startsWith('$', 'expected a JSON path such as $.version').optional(),
  /** Placeholders as in `command`, without {port}. */
  is: z.string().min(1, 'expected what it should say').default('{version}'),
  within: wait.default(10),
})

const goldenSet = z.strictObject({
  /** JSON Lines: `{"request": body, "expected": value}`. */
  file: named,
  request,
  answer: z.string().startsWith('$', 'expected a JSON path such as $.label').optional(),
  score: score.default('exact'),
  atLeast: z.number().min(0).max(1).optional(),
  /** Of a perplexity, which is better when it is lower. */
  atMost: z.number().min(1).optional(),
  noWorseBy: z.number().min(0).max(1).optional(),
  /** In the request: the slice of a line that names none; without it by its expected label. */
  slice: jsonPath.optional(),
  /** Each slice by itself, from so many lines on. */
  perSlice: z
    .strictObject({
      atLeast: z.number().min(0).max(1).optional(),
      noWorseBy: z.number().min(0).max(1).optional(),
      lines: z.int().min(1).max(100_000).default(20),
    })
    .refine(
      (one) => one.atLeast !== undefined || one.noWorseBy !== undefined,
      'expected atLeast, noWorseBy or both',
    )
    .optional(),
  within: duration.default(600),
  concurrency: z.int().min(1).max(256).default(8),
  dryRun,
})

const load = z.strictObject({
  rate: rateOrShare,
  /** What a share is of: the most that was asked of live in the last 24 hours. */
  of: z.literal('peak').optional(),
  for: wait.default(60),
  /** 95 % of the answers within it, counted from when a request was due. */
  p95: wait,
  /** The same for the first token of streams. */
  firstToken: wait.optional(),
  errors: share.default(0.01),
  /** Once it has held: how much more, up to `to`? */
  ramp: z.strictObject({ to: rate, step: wait.default(10) }).optional(),
  from,
  headers: z.record(headerName, z.string()).default({}),
  /** Where to send; without it, the request of the first golden set, whose bodies are sent. */
  request: request.optional(),
  within: wait.default(600),
  dryRun,
})

/** Names and values as they are sent. */
const headers = z.record(z.string(), z.string())

const prometheus = z.strictObject({
  /** Of the server; `/api/v1/query` is added. */
  url,
  headers: headers.default({}),
  /** Gives one number. Placeholders: {version}, {environment}, {service}. */
  query: z.string().min(1, 'expected a query, it is empty'),
  atMost: z.number().optional(),
  /** With it more is better, else less. */
  atLeast: z.number().optional(),
  /** The same query with what is live filled in; a share of its figure. */
  noWorseBy: share.optional(),
  /** How long it must hold, looked at again and again. */
  for: duration.default(0),
  within: wait.default(60),
  dryRun,
})

const webhook = z.strictObject({
  url,
  headers: headers.default({}),
  within: wait.default(60),
  dryRun,
})

const command = z.strictObject({
  /** Program and arguments, without a shell, in the manifest's directory. */
  run: z.tuple([named], z.string()),
  env: env.default({}),
  within: wait.default(60),
  dryRun,
})

export const gate = z.union([
  z.strictObject({ identity }),
  z.strictObject({ warmUp }),
  z.strictObject({ goldenSet }),
  z.strictObject({ load }),
  z.strictObject({ prometheus }),
  z.strictObject({ webhook }),
  z.strictObject({ command }),
  z.strictObject({ shadow }),
  z.strictObject({ replay }),
  z.strictObject({ compatibility }),
])
