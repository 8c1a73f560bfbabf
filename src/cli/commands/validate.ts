import { resolve } from 'node:path'
import { gatesOf } from '../../config/gates.ts'
import { loadManifest } from '../../config/load.ts'
import type { Loaded } from '../../config/load.ts'
import { experimentalIn } from '../../config/sleep.ts'
import { spotNotes } from '../../config/spot.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { goldenLines } from '../../verification/golden-set/lines.ts'
import { schemaIn } from '../../verification/schema-file.ts'
import { exitCodes } from '../exit-codes.ts'
import type { Globals } from '../main.ts'
import { say } from '../output.ts'

/** A golden set on a disk that hangs must not hang CI. */
const readWithinMs = 60_000

export async function validate({ json }: Globals, { file }: { file: string }): Promise<number> {
  const loaded = await loadManifest(file)
  const goldenSets = await readGoldenSets(loaded)
  for (const file of schemasOf(loaded)) await schemaIn(file)
  const services = Object.entries(loaded.manifest.services).map(([service, { versions }]) => ({
    service,
    versions: Object.keys(versions),
  }))
  const list = services.map(({ service, versions }) => `  ${service}: ${versions.join(', ')}`)
  const sets = goldenSets.map((one) => `  ${one.file}: ${one.lines} labelled inputs`)
  const notes = Object.entries(loaded.manifest.services).flatMap(([name, service]) => [
    ...experimentalIn(name, service),
    ...spotNotes(name, service),
  ])
  const next = `beryl up -f ${file}`
  say(
    json,
    { valid: true, file, services, goldenSets, notes, next },
    [
      `${file} is valid.`,
      ...list,
      ...sets,
      ...notes.map((note) => `  note: ${note}`),
      `Next: ${next}`,
    ].join('\n'),
  )
  return exitCodes.done
}

/** JSON Schemas that gates go by. */
function schemasOf({ manifest, directory }: Loaded): string[] {
  return Object.values(manifest.services)
    .flatMap((service) => gatesOf(service))
    .flatMap(({ gate }) => {
      if ('compatibility' in gate) return gate.compatibility.schema ?? []
      const score = 'goldenSet' in gate ? gate.goldenSet.score : ''
      return typeof score === 'object' && 'jsonSchema' in score ? score.jsonSchema : []
    })
    .map((file) => resolve(directory, file))
}

/** @throws ProblemError naming file and line of the first one that cannot be used, in each file */
async function readGoldenSets({ manifest, directory }: Loaded) {
  const named = Object.values(manifest.services)
    .flatMap((service) => gatesOf(service))
    .flatMap(({ gate }) => ('goldenSet' in gate ? [resolve(directory, gate.goldenSet.file)] : []))
  const read: { file: string; lines: number }[] = []
  const broken: string[] = []
  for (const file of new Set(named)) {
    try {
      let lines = 0
      for await (const _ of goldenLines(file, AbortSignal.timeout(readWithinMs))) lines++
      read.push({ file, lines })
    } catch (error) {
      broken.push((error as Error).message)
    }
  }
  if (broken.length === 0) return read
  throw new ProblemError({
    status: 400,
    code: 'golden-set',
    title: broken.join('\n'),
    hint: 'mend the line; one line is {"request": body, "expected": value}',
  })
}
