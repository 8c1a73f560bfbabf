/** How the signals of a watch are taken, as the examiner is asked: files are read now, so that a release keeps what it began with. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { OwnSignal } from '../../config/signals.ts'
import type { ServiceManifest } from '../../config/manifest.ts'
import { ProblemError } from '../../ipc/problem.ts'
import { jsonSchema } from '../../verification/json-schema.ts'
import type { SignalSettings, SignalSpec } from '../../verification/signals/signal.ts'
import type { OpinionSpec } from './opinions.ts'
import { readingOf } from '../gates/reading-of.ts'
import { handoffIsSaid } from './watch-rules.ts'

export type SignalSources = {
  /** Null: nothing is taken from answers. */
  answers: SignalSettings | null
  /** By signal. */
  opinions: Readonly<Record<string, OpinionSpec>>
}

/** @throws ProblemError `signal` for a file that cannot be read, or a schema that is none */
export async function signalSourcesOf(
  { watch, protocol }: Pick<ServiceManifest, 'watch' | 'protocol'>,
  directory: string,
): Promise<SignalSources> {
  const signals: Record<string, SignalSpec> = {}
  const opinions: Record<string, OpinionSpec> = {}
  for (const name of watch.signals) {
    const opinion = opinionOf(name, watch)
    if (opinion !== null) opinions[name] = opinion
    else if (name !== 'errors' && name !== 'latency')
      signals[name] = await specOf(name, watch, directory).catch((cause: unknown) => {
        throw new ProblemError(
          {
            status: 400,
            code: 'signal',
            title: `the signal ${name} cannot be taken: ${(cause as Error).message}`,
            hint: 'mend the file and ask again: nothing was started',
          },
          { cause },
        )
      })
  }
  if (Object.keys(signals).length === 0) return { answers: null, opinions }
  const settings = { protocol: readingOf(protocol), signals }
  return { answers: { id: digestOf(settings), ...settings }, opinions }
}

/** With another rule it is another signal: what was counted by the old one is not compared with. */
export function digestOf(rule: unknown): string {
  return createHash('sha256').update(JSON.stringify(rule)).digest('hex').slice(0, 16)
}

function opinionOf(name: string, watch: ServiceManifest['watch']): OpinionSpec | null {
  if (name === 'feedback') {
    const { kind, bad, within } = watch.feedback
    return { kind, bad, withinS: within }
  }
  if (name === 'handoff' && handoffIsSaid(watch))
    return { kind: 'handoff', bad: [], withinS: watch.handoff.within }
  return null
}

async function specOf(
  name: string,
  { validity, handoff, drift, own }: ServiceManifest['watch'],
  directory: string,
): Promise<SignalSpec> {
  if (name === 'validity') {
    const { answer = null, json, nonEmpty, finish = null, refusal = null } = validity
    const schema =
      validity.schema === undefined ? null : await schemaIn(resolve(directory, validity.schema))
    return { kind: 'validity', answer, json, schema, nonEmpty, finish, refusal }
  }
  if (name === 'handoff') {
    const { answer = null, matches = null } = handoff
    return { kind: 'yesNo', answer, matches, bad: true }
  }
  if (name === 'firstToken' || name === 'perToken') return { kind: 'time', of: name }
  if (name === 'drift') return { kind: 'category', of: drift.of, answer: drift.answer ?? null }
  return ownSpec(own[name]!, directory)
}

async function ownSpec(one: OwnSignal, directory: string): Promise<SignalSpec> {
  const from = 'yesNo' in one ? one.yesNo : one.number
  const { answer = null, matches = null, module } = from
  if (module !== undefined) {
    const file = resolve(directory, module)
    const digest = digestOf(await readFile(file, 'utf8'))
    return { kind: 'module', file, digest, bad: 'yesNo' in one ? one.yesNo.bad : null }
  }
  if ('yesNo' in one) return { kind: 'yesNo', answer, matches, bad: one.yesNo.bad }
  const { from: low, to, better } = one.number
  return { kind: 'number', answer, matches, from: low, to, better }
}

/** @throws Error unless it is a JSON Schema @returns its text */
async function schemaIn(file: string): Promise<string> {
  const text = await readFile(file, 'utf8')
  jsonSchema(JSON.parse(text) as unknown)
  return text
}
