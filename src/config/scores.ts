/** `score` of a golden set: the schema, the name that `expects` may go by, and what cannot work as it is written. */
import { resolve } from 'node:path'
import { z } from 'zod'
import type { CrossProblem } from './cross-problem.ts'
import { notThere } from './not-there.ts'
import { pause } from './units.ts'
import { env, named, url } from './words.ts'

export const score = z.union([
  z.enum(['exact', 'oneOf', 'regex', 'perplexity', 'noRepeats', 'valid', 'chrf']),
  z.strictObject({ numeric: z.strictObject({ tolerance: z.number().min(0) }) }),
  z.strictObject({ jsonFields: z.array(z.string()).min(1) }),
  /** Of labels over the whole set, or of the words of each answer. */
  z.strictObject({ f1: z.enum(['micro', 'macro', 'tokens']) }),
  /** A file: the share of answers that are as it has them. */
  z.strictObject({ jsonSchema: named }),
  z.strictObject({ module: named }),
  z.strictObject({
    judge: z.strictObject({
      /** Of an API like OpenAI's; `/chat/completions` is added. */
      url,
      model: named,
      rubric: z.string().min(1, 'expected what a good answer is, it is empty'),
      headers: z.record(z.string(), z.string()).default({}),
      timeout: pause.default(60),
    }),
  }),
  z.strictObject({
    command: z.strictObject({
      run: z.tuple([named], z.string()),
      env: env.default({}),
      timeout: pause.default(10),
    }),
  }),
])

export type ScoreManifest = z.output<typeof score>

export function scoreName(one: ScoreManifest): string {
  return typeof one === 'string' ? one : Object.keys(one)[0]!
}

/** Files and programs that are not there. @param at of the score */
export async function scoreProblems(
  at: (string | number)[],
  one: ScoreManifest,
  directory: string,
): Promise<CrossProblem[]> {
  if (typeof one === 'string') return []
  const there = (key: (string | number)[], file: string) =>
    notThere([...at, ...key], resolve(directory, file), 'file')
  if ('module' in one) return there(['module'], one.module)
  if ('jsonSchema' in one) return there(['jsonSchema'], one.jsonSchema)
  if (!('command' in one)) return []
  const [program] = one.command.run
  // A name without a slash is looked for in PATH, when it runs.
  return program.includes('/') ? there(['command', 'run', 0], program) : []
}
