/** A score as the manifest has it → as the examiner is asked for it. */
import { resolve } from 'node:path'
import type { ScoreManifest } from '../../config/scores.ts'
import type { Score } from '../../verification/gate.ts'
import { schemaIn } from '../../verification/schema-file.ts'

/** @throws ProblemError `json-schema` naming the file */
export async function scoreOf(
  score: ScoreManifest,
  { directory, files }: { directory: string; files: 'read' | 'left out' },
): Promise<Score> {
  if (typeof score === 'string') return { kind: score }
  if ('numeric' in score) return { kind: 'numeric', tolerance: score.numeric.tolerance }
  if ('jsonFields' in score) return { kind: 'jsonFields', fields: score.jsonFields }
  if ('f1' in score) return { kind: 'f1', average: score.f1 }
  if ('jsonSchema' in score)
    return { kind: 'jsonSchema', schema: await schemaOf(score.jsonSchema, { directory, files }) }
  if ('module' in score) return { kind: 'module', file: resolve(directory, score.module) }
  if ('judge' in score) {
    const { timeout, ...judge } = score.judge
    return { kind: 'judge', ...judge, timeoutS: timeout }
  }
  const { run, env, timeout } = score.command
  return { kind: 'command', run, env, directory, timeoutS: timeout }
}

/** Where files are left out, one that nothing matches. @throws ProblemError `json-schema` naming the file */
export async function schemaOf(
  file: string,
  { directory, files }: { directory: string; files: 'read' | 'left out' },
): Promise<unknown> {
  return files === 'read' ? schemaIn(resolve(directory, file)) : false
}
