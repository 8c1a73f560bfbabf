/** Reads what the controller asks for. A field that is not known here is refused: ignored, it would be a check that nobody made. */
import { z } from 'zod'
import { ProblemError } from '../ipc/problem.ts'
import type { GateRun } from './gate.ts'

const seconds = z.number().positive()
const concurrency = z.int().min(1).max(256)
const share = z.number().min(0).max(1).nullable()
const protocol = z.enum(['http', 'openai', 'kserve-v2', 'grpc'])
/** A perplexity: 1 would be a model that knows what comes. */
const perplexity = z.number().min(1).nullable()

const perSecond = z.number().positive()
const headers = z.record(z.string(), z.string())
const url = z.string().regex(/^https?:\/\//)

const request = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT']),
  path: z.string().startsWith('/'),
  headers,
  timeoutS: seconds,
})

const score = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('exact') }),
  z.strictObject({ kind: z.literal('oneOf') }),
  z.strictObject({ kind: z.literal('numeric'), tolerance: z.number().min(0) }),
  z.strictObject({ kind: z.literal('jsonFields'), fields: z.array(z.string()).min(1) }),
  ...(['regex', 'perplexity', 'noRepeats', 'valid'] as const).map((kind) =>
    z.strictObject({ kind: z.literal(kind) }),
  ),
  z.strictObject({ kind: z.literal('module'), file: z.string() }),
  z.strictObject({ kind: z.literal('f1'), average: z.enum(['micro', 'macro', 'tokens']) }),
  z.strictObject({ kind: z.literal('chrf') }),
  z.strictObject({ kind: z.literal('jsonSchema'), schema: z.unknown() }),
  z.strictObject({
    kind: z.literal('judge'),
    url,
    model: z.string(),
    rubric: z.string(),
    headers,
    timeoutS: seconds,
  }),
  z.strictObject({
    kind: z.literal('command'),
    run: z.array(z.string()).min(1),
    env: z.record(z.string(), z.string()),
    directory: z.string(),
    timeoutS: seconds,
  }),
])

const paths = z.array(z.string())

const copy = z.strictObject({ methods: paths, exclude: paths })
const captured = z.strictObject({ copy, headers, only: z.boolean() }).nullable()

const comparing = z.enum(['http', 'json', 'openai', 'kserve-v2', 'grpc'])
const redact = z.strictObject({
  paths,
  headers: paths,
  patterns: paths,
  binary: z.boolean().optional(),
})

const modelAt = { url, model: z.string(), headers, timeoutS: seconds }
const likeness = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('embedding'), ...modelAt }),
  z.strictObject({ kind: z.literal('judge'), rubric: z.string(), ...modelAt }),
])

const pairs = {
  likeness: likeness.nullable().optional(),
  how: z.strictObject({
    protocol: comparing,
    ignore: paths,
    tolerances: z.array(
      z.strictObject({
        path: z.string(),
        absolute: z.number().min(0),
        relative: z.number().min(0),
      }),
    ),
    text: z.union([z.literal('exact'), z.strictObject({ similar: z.number().min(0).max(1) })]),
  }),
  noWorseBy: z.number().min(0).max(1),
  slice: z.string().nullable(),
  risk: z.strictObject({ fail: z.number().gt(0).lt(1), pass: z.number().gt(0).lt(1) }),
  liveAgain: z.number().min(0).max(1),
  redact,
  timeoutS: seconds,
  concurrency,
  withinS: seconds,
}

const spec = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('warmUp'),
    protocol,
    withinS: seconds,
    until: z.literal('stable'),
    request: request.nullable(),
    file: z.string().nullable(),
    captured,
    concurrency,
  }),
  z.strictObject({
    kind: z.literal('goldenSet'),
    protocol,
    file: z.string(),
    digest: z.string(),
    request,
    answer: z.string().nullable(),
    score,
    atLeast: share,
    atMost: perplexity,
    noWorseBy: share,
    expects: z.union([share, perplexity]),
    slice: z.string().nullable(),
    perSlice: z
      .strictObject({ atLeast: share, noWorseBy: share, lines: z.int().min(1) })
      .nullable(),
    withinS: seconds,
    concurrency,
  }),
  z.strictObject({
    kind: z.literal('load'),
    protocol,
    rate: z.union([
      z.strictObject({ perSecond }),
      z.strictObject({ ofPeak: z.number().positive(), peak: z.number().min(0).nullable() }),
    ]),
    forS: seconds,
    ramp: z.strictObject({ toPerSecond: perSecond, stepS: seconds }).nullable(),
    p95Ms: z.number().positive(),
    firstTokenMs: z.number().positive().nullable(),
    errors: z.number().min(0).max(1),
    request: request.nullable(),
    file: z.string().nullable(),
    captured,
    withinS: seconds,
  }),
  z.strictObject({
    kind: z.literal('identity'),
    request,
    body: z.unknown().optional(),
    answer: z.string().nullable(),
    is: z.string().min(1),
    withinS: seconds,
  }),
  z.strictObject({
    kind: z.literal('prometheus'),
    url,
    headers,
    query: z.string(),
    atMost: z.number().nullable(),
    atLeast: z.number().nullable(),
    noWorseBy: z.number().min(0).nullable(),
    forS: z.number().min(0),
    withinS: seconds,
  }),
  z.strictObject({ kind: z.literal('webhook'), url, headers, withinS: seconds }),
  z.strictObject({
    kind: z.literal('command'),
    run: z.array(z.string()).min(1),
    env: z.record(z.string(), z.string()),
    directory: z.string(),
    withinS: seconds,
  }),
  z.strictObject({
    kind: z.literal('shadow'),
    ...pairs,
    share: z.number().min(0).max(1),
    atLeast: z.int().min(1),
  }),
  z.strictObject({
    kind: z.literal('replay'),
    ...pairs,
    requests: z.int().min(1),
    speed: z.number().positive().nullable(),
    headers,
    copy,
  }),
  z.strictObject({
    kind: z.literal('compatibility'),
    protocol: comparing,
    requests: z.int().min(1),
    schema: z.unknown(),
    ignore: paths,
    headers,
    copy,
    redact,
    timeoutS: seconds,
    concurrency,
    withinS: seconds,
  }),
])

const served = z.strictObject({ model: z.string().nullable(), version: z.string().nullable() })

const target = z.strictObject({
  version: z.string(),
  environment: z.string(),
  addresses: z.array(z.string().min(1)),
  reach: z
    .strictObject({
      speaks: z.enum(['http2', 'grpc']).optional(),
      tls: z
        .strictObject({ ca: z.string().optional(), serverName: z.string().optional() })
        .optional(),
    })
    .optional(),
  renames: z
    .strictObject({ protocol: z.enum(['openai', 'kserve-v2', 'grpc']), from: served, to: served })
    .optional(),
})

const gateRun: z.ZodType<GateRun> = z.strictObject({
  service: z.string(),
  spec,
  candidate: target,
  live: target.nullable(),
})

/** @throws ProblemError `bad-gate-run` */
export function readGateRun(value: unknown): GateRun {
  const read = gateRun.safeParse(value)
  if (read.success) return read.data
  throw new ProblemError({
    status: 400,
    code: 'bad-gate-run',
    title: `cannot run this gate: ${read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
    hint: 'controller and examiner must be of the same version of Beryl',
  })
}
