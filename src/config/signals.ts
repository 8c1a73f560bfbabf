/** `watch`: what is taken from live answers and from what people say, beside errors and latency. Parts of the manifest's schema. */
import { z } from 'zod'
import { expression, jsonPath } from './traffic.ts'
import { duration, share } from './units.ts'
import { named } from './words.ts'

/** For "is this answer bad?": as for errors, each default is a first guess that a service should think about. */
const badShare = {
  /** Points above the old version's share of bad ones that nobody minds. */
  tolerance: share.default(0.01),
  /** Points above it at which a version is still called no worse. */
  margin: share.default(0.03),
  /** With no old version to compare with: the share that is acceptable. */
  atMost: share.default(0.05),
  /** For planning: how many points worse must be found. */
  minimumEffect: share.default(0.05),
}

/** Of a score from 0 to 1. */
const score = { tolerance: share.default(0.01), margin: share.default(0.03) }

const validity = z.strictObject({
  /** What of the answer; without it: the whole body, or the text that a language model wrote. */
  answer: jsonPath.optional(),
  json: z.boolean().default(false),
  /** A file with a JSON Schema. */
  schema: named.optional(),
  nonEmpty: z.boolean().default(true),
  /** Language models: the `finish_reason` of a good answer. */
  finish: z.array(named).min(1).optional(),
  /** An answer that this fits refuses to answer. */
  refusal: expression.optional(),
  ...badShare,
})

/** An answer is judged by what was said of it until it is this old. */
const within = duration
  .refine((seconds) => seconds >= 1 && seconds <= 86_400, 'expected 1s to 24h')
  .default(600)

const feedback = z.strictObject({
  kind: z.enum(['thumbs', 'score', 'label']).default('thumbs'),
  /** Labels that say that the answer was bad. */
  bad: z.array(named).default([]),
  within,
  ...badShare,
})

const handoff = z.strictObject({
  /** A rule on the answer: the place holds true, or a text that `matches`. Without both: people say so, by feedback. */
  answer: jsonPath.optional(),
  matches: expression.optional(),
  within,
  ...badShare,
})

const drift = z.strictObject({
  of: z.enum(['category', 'length', 'number']).default('category'),
  answer: jsonPath.optional(),
  /** Total variation: the share of answers that lie elsewhere. */
  tolerance: share.default(0.05),
})

/** Times; `plusMs` where the manifest says nothing: what no client would notice. */
const times = (plusMs: number) => ({
  /** So much slower than the old version, `plus` a constant, is nobody's concern; and still called no slower. */
  tolerance: share.default(0.1),
  margin: share.default(0.25),
  plus: duration.default(plusMs / 1000),
  /** A limit of its own: 95 % of the answers within it. */
  p95: duration.optional(),
})

const latency = z.strictObject({
  /** The whole answer, or its first byte. */
  of: z.enum(['total', 'firstByte']).default('total'),
  ...times(5),
})

/** Taken from the answer by a path, a pattern, or a module. */
const own = z.union([
  z.strictObject({
    /** Is this answer bad? */
    yesNo: z.strictObject({
      answer: jsonPath.optional(),
      matches: expression.optional(),
      module: named.optional(),
      /** Which of the two is bad. */
      bad: z.boolean().default(true),
    }),
    ...badShare,
  }),
  z.strictObject({
    number: z
      .strictObject({
        answer: jsonPath.optional(),
        matches: expression.optional(),
        module: named.optional(),
        from: z.number().default(0),
        to: z.number().default(1),
        better: z.enum(['higher', 'lower']).default('higher'),
      })
      .refine(({ from, to }) => from < to, 'expected from below to'),
    ...score,
  }),
])

export const builtInSignals = [
  'errors',
  'latency',
  'firstToken',
  'perToken',
  'validity',
  'feedback',
  'handoff',
  'drift',
] as const

/** A name such as `confidence`: of a signal of the user's own. */
const signalName = z
  .string()
  .regex(/^[a-z][A-Za-z0-9]{0,39}$/, 'expected a name such as confidence: letters and digits')
  .refine(
    (name) => !(builtInSignals as readonly string[]).includes(name),
    `expected another name: ${builtInSignals.join(', ')} are Beryl's own`,
  )

export const signalSections = {
  latency: latency.prefault({}),
  /** Of streams of language models, read by the examiner. */
  firstToken: z.strictObject(times(5)).prefault({}),
  perToken: z.strictObject(times(0)).prefault({}),
  validity: validity.prefault({}),
  feedback: feedback.prefault({}),
  handoff: handoff.prefault({}),
  drift: drift.prefault({}),
  own: z.record(signalName, own).default({}),
}

export type OwnSignal = z.output<typeof own>
