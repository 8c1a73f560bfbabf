/** What may stand in a request's body. Unknown fields are errors: `{"verison": "v2"}` must not deploy anything. */
import { z } from 'zod'
import { ProblemError } from '../ipc/problem.ts'
import { roles } from './rights.ts'

const reason = z.string().max(1000).nullish()

export const deployBody = z.strictObject({
  version: z.string().min(1).max(100),
  kind: z.enum(['deploy', 'verify']).default('deploy'),
  replace: z.boolean().default(false),
  /** Wait until the standby of the release before has had its time, instead of ending its ladder. */
  keepStandby: z.boolean().default(false),
  /** With `verify`: fewer than live has, where there is no room for as many. */
  replicas: z.int().min(1).max(100).nullish(),
})
export const aliasBody = z.strictObject({ version: z.string().min(1).max(100), reason })
const named = z.string().min(1).max(1000)
export const versionBody = z.strictObject({
  name: z.string().min(1).max(64),
  /** Each a path on the machine of this Beryl, relative to the manifest, or a pinned reference. */
  model: named.optional(),
  prompt: named.optional(),
  tokenizer: named.optional(),
  config: named.optional(),
  args: z.array(z.string().max(1000)).max(100).default([]),
  env: z.record(z.string().max(100), z.string().max(1000)).default({}),
  expects: z.record(z.string().max(100), z.number().min(0)).default({}),
  notes: reason,
  /** Where it comes from. */
  source: z.strictObject({ commit: named.nullish(), run: named.nullish() }).default({}),
  mlflow: z
    .strictObject({
      /** `models:/NAME/NUMBER`, or `models:/NAME@ALIAS`: the number that it means now. */
      model: named,
      /** Of the tracking server; without it the MLFLOW_TRACKING_URI of this Beryl. */
      url: named.nullish(),
    })
    .nullish(),
})
/** For what takes no more words. */
export const emptyBody = z.strictObject({})
export const commandBody = z.strictObject({ reason })
export const approveBody = z.strictObject({
  reason,
  /** Skips this gate; recorded with name and reason. */
  gate: z.string().max(100).nullish(),
})
export const rollbackBody = z.strictObject({
  reason,
  to: z.string().max(100).nullish(),
  /** Everything now, whatever is ready. */
  hard: z.boolean().default(false),
})
export const freezeBody = z.strictObject({
  /** Needed: others are held up by it. */
  reason,
  /** Seconds; left out: until somebody lifts it. */
  forS: z
    .number()
    .min(1)
    .max(366 * 86_400)
    .nullish(),
})
/** A token in a body, never in an address: those are logged. */
export const sessionBody = z.strictObject({ token: z.string().min(1).max(500) })
export const applyBody = z.strictObject({
  /** The manifest, YAML. */
  manifest: z.string(),
  dryRun: z.boolean().default(false),
  /** Services and standbys that it does not name any more are taken away. */
  remove: z.boolean().default(false),
})
/** As long as the longest duration of the manifest: what never ends is asked for by leaving it out. */
const expiresMaxS = 366 * 86400
/** It stands in the record, in logs and on pages: nothing that ends a line, hides, or looks like another name. */
const tokenName = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._@+-]{0,39}(?<! )$/u,
    'expected 1 to 40 letters, digits, spaces and . _ @ + -, the first a letter or digit, the last no space',
  )
  .refine(
    (name) => name === name.normalize('NFKC'),
    'expected plain letters, not forms of them that look the same (Unicode NFKC)',
  )
export const tokenBody = z.strictObject({
  name: tokenName,
  role: z.enum(roles),
  /** Seconds from now; without it, it is good until it is revoked. */
  expiresInS: z.int().min(1).max(expiresMaxS).nullish(),
})
export const feedbackBody = z.strictObject({
  requestId: z.string().min(1).max(700),
  kind: z.enum(['score', 'thumbs', 'handoff', 'label']),
  value: z.unknown(),
})

/** As `export` wrote them; the examiner reads each strictly. */
export const importBody = z.strictObject({ records: z.array(z.unknown()).min(1).max(10_000) })

/** @throws ProblemError `body-cut`: nothing of it is done */
export async function textOf(request: { text(): Promise<string> }): Promise<string> {
  try {
    return await request.text()
  } catch (cause) {
    if (cause instanceof ProblemError) throw cause
    throw new ProblemError(
      {
        status: 400,
        code: 'body-cut',
        title: `the body did not come to its end (${(cause as Error).message})`,
        hint: 'nothing was done: send it again, whole',
      },
      { cause },
    )
  }
}

type Request = { text(): Promise<string>; method: string; path: string }

/** @throws ProblemError `not-json`, `wrong-body` */
export async function bodyOf<Shape extends z.ZodType>(
  request: Request,
  shape: Shape,
): Promise<z.output<Shape>> {
  const text = await textOf(request)
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch (cause) {
    throw new ProblemError({
      status: 400,
      code: 'not-json',
      title: `${request.method} ${request.path}: the body is not JSON (${(cause as Error).message})`,
      hint: 'send one JSON object; GET /api/v1/openapi.json describes it',
    })
  }
  const parsed = shape.safeParse(value)
  if (parsed.success) return parsed.data
  const detail = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
    .join('; ')
  throw new ProblemError({
    status: 400,
    code: 'wrong-body',
    title: `${request.method} ${request.path}: ${detail}`,
    hint: 'GET /api/v1/openapi.json describes the body',
  })
}
