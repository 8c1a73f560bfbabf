/** What is done with production traffic before a switch: recorded, replayed, mirrored. Parts of the manifest's schema. */
import { z } from 'zod'
import { duration, pause, share, size } from './units.ts'
import { named, url } from './words.ts'

export const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'expected the name of a header or cookie')

/** What the examiner's json-path.ts reads; a path is checked here, where its place in the file is known. */
export const jsonPath = z
  .string()
  .regex(
    /^\$(\.[A-Za-z_\u0080-\uffff][\w\u0080-\uffff-]*|\[(0|-?[1-9]\d*|\*)\]|\['[^'\\]+'\]|\.\*)+$/,
    "expected a JSON path such as $.messages[*].content: made of .name, ['name'], [0] and [*]",
  )
export const expression = z
  .string()
  .min(1)
  .refine(
    isExpression,
    "expected a regular expression of JavaScript (flags g and u), such as '\\d{16}'",
  )

/** Recorded production traffic; what must not be kept is taken out before anything touches the disk. */
export const capture = z.strictObject({
  /** Of the requests that may be copied (`requests.copy`). */
  share: share.default(0.05),
  keep: duration.refine((seconds) => seconds >= 60, 'expected at least 1m').default(7 * 86_400),
  atMost: size
    .refine((bytes) => bytes >= 16 * 1024 * 1024, 'expected at least 16MiB')
    .default(1024 ** 3),
  redact: z
    .array(
      z.union([
        jsonPath,
        z.strictObject({ header: headerName }),
        z.strictObject({ matches: expression }),
      ]),
    )
    .default([]),
  /** Messages of gRPC that Beryl cannot read are kept as they are, with nothing taken out. */
  binary: z.boolean().default(false),
})

const risk = share.refine(
  (value) => value > 0 && value < 1,
  'expected a risk above 0 and below 100%, such as 1%',
)

/** `/embeddings` or `/chat/completions` is added to the URL. */
const modelAt = {
  url,
  model: named,
  headers: z.record(headerName, z.string()).default({}),
  timeout: pause.default(30),
}

/** How the answers of two versions to one request are held against each other. */
const comparing = {
  /** Beyond what live contradicts itself on: a share of the requests. */
  noWorseBy: share.default(0.01),
  /** Fields that do not count, with all below them. */
  ignore: z.array(jsonPath).default([]),
  /** Numbers within either are equal; the first path that fits counts. */
  tolerance: z
    .array(
      z.strictObject({
        path: jsonPath,
        absolute: z.number().min(0).default(0),
        relative: share.default(0),
      }),
    )
    .default([]),
  /** Texts so similar are equal; without it they must be the same (`openai`: 95%). */
  similar: share.optional(),
  /** Who says how alike two texts are, in place of their words: a model of the user's. */
  similarBy: z
    .union([
      z.strictObject({ embedding: z.strictObject(modelAt) }),
      z.strictObject({
        judge: z.strictObject({
          ...modelAt,
          rubric: z
            .string()
            .min(1, 'expected what makes two answers say the same, it is empty')
            .default(
              'Do they say the same to whoever asked? Other words for the same count as the same.',
            ),
        }),
      }),
    ])
    .optional(),
  /** In the request: a tenant, a language. Each slice is judged by itself, too. */
  slice: jsonPath.optional(),
  /** Of the requests, live is asked once more, to know what it contradicts itself on. */
  liveAgain: share.default(0.2),
  /** That a version which is no worse fails, however often it is looked at; that one which is worse passes. */
  falseFailRisk: risk.default(0.01),
  badPassRisk: risk.default(0.05),
  /** For one answer. */
  timeout: pause.default(30),
  concurrency: z.int().min(1).max(256).default(8),
  /** The gate runs and reports, and decides nothing. */
  dryRun: z.boolean().default(false),
}

export const shadow = z.strictObject({
  /** Of the live requests that may be copied (`requests.copy`). */
  share: share.default(1),
  /** Requests that must be compared before it passes. */
  atLeast: z.int().min(1).max(1_000_000).default(500),
  within: duration.default(1800),
  ...comparing,
})

export const replay = z.strictObject({
  /** The newest ones that were recorded. */
  requests: z.int().min(1).max(100_000).default(1000),
  speed: z.enum(['asRecorded', 'x2', 'fast']).default('fast'),
  within: duration.default(1800),
  /** In place of those that were not recorded: `authorization`, for one. */
  headers: z.record(headerName, z.string()).default({}),
  ...comparing,
})

export const compatibility = z.strictObject({
  /** The newest ones that were recorded. */
  requests: z.int().min(20).max(100_000).default(300),
  /** JSON Schema of the answers; without it: what recorded answers have in common. */
  schema: z.string().min(1, 'expected a file, it is empty').optional(),
  /** Fields that no client reads, with all below them. */
  ignore: z.array(jsonPath).default([]),
  /** In place of those that were not recorded. */
  headers: z.record(headerName, z.string()).default({}),
  within: duration.default(600),
  timeout: pause.default(30),
  concurrency: z.int().min(1).max(256).default(8),
  dryRun: z.boolean().default(false),
})

function isExpression(text: string): boolean {
  try {
    return new RegExp(text, 'gu').source !== ''
  } catch {
    return false
  }
}
