/** Signals of the watch that cannot work as they are written. */
import { resolve } from 'node:path'
import type { CrossProblem } from './cross-problem.ts'
import type { ServiceManifest } from './manifest.ts'
import { nearest } from './nearest.ts'
import { notThere } from './not-there.ts'
import { builtInSignals } from './signals.ts'

const signalsMax = 16

export async function signalProblems(
  at: string[],
  { watch, protocol }: ServiceManifest,
  directory: string,
): Promise<CrossProblem[]> {
  const here = [...at, 'watch']
  const known = [...builtInSignals, ...Object.keys(watch.own)]
  const problems: CrossProblem[] = []
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push({ path: [...here, ...path], message })

  for (const key of ['signals', 'required'] as const)
    for (const [index, name] of watch[key].entries()) {
      if (!known.includes(name))
        say(
          [key, index],
          `there is no signal ${name}${nearest(name, known) || `; expected ${known.join(', ')}`}`,
        )
      if (watch[key].indexOf(name) !== index) say([key, index], `${name} stands there twice`)
    }
  if (watch.signals.length > signalsMax) say(['signals'], `expected at most ${signalsMax}`)
  const unknown = watch.required.filter((name) => !watch.signals.includes(name))
  if (unknown.length > 0)
    say(['required'], `${unknown.join(', ')} is required and not among the signals`)
  if (watch.required.includes('drift'))
    say(['required'], 'drift can hold a promotion up, never earn one: leave it out here')
  for (const name of Object.keys(watch.own))
    if (!watch.signals.includes(name))
      say(['own', name], `is not among watch.signals: nobody would look at it`)

  for (const name of ['errors', 'validity', 'feedback', 'handoff'] as const)
    if (watch[name].margin < watch[name].tolerance)
      say([name, 'margin'], 'is smaller than tolerance')
  for (const name of ['latency', 'firstToken', 'perToken'] as const)
    if (watch[name].margin < watch[name].tolerance)
      say([name, 'margin'], 'is smaller than tolerance')
  const tokens = watch.signals.filter((name) => name === 'firstToken' || name === 'perToken')
  if (tokens.length > 0 && protocol !== 'openai')
    say(
      ['signals'],
      `${tokens.join(', ')}: only streams of language models have tokens; it needs \`protocol: openai\``,
    )
  if (watch.signals.includes('feedback')) {
    const { kind, bad } = watch.feedback
    if (kind === 'label' && bad.length === 0)
      say(['feedback', 'bad'], 'which labels are bad? Without one no answer ever is')
    if (kind !== 'label' && bad.length > 0)
      say(['feedback', 'bad'], 'goes with `kind: label`: leave it out')
  }
  if (watch.validity.finish !== undefined && protocol !== 'openai')
    say(['validity', 'finish'], 'is of language models: it needs `protocol: openai`')
  if (watch.signals.includes('validity') && protocol === 'http') {
    const { json, schema, answer, refusal } = watch.validity
    if (
      !json &&
      schema === undefined &&
      answer === undefined &&
      refusal === undefined &&
      !watch.validity.nonEmpty
    )
      say(['validity'], 'checks nothing: give json, schema, nonEmpty or refusal')
  }
  const files: [path: string[], file: string][] = []
  if (watch.validity.schema !== undefined)
    files.push([['validity', 'schema'], watch.validity.schema])
  for (const [name, one] of Object.entries(watch.own)) {
    const kind = 'yesNo' in one ? 'yesNo' : 'number'
    const from = 'yesNo' in one ? one.yesNo : one.number
    if (one.margin < one.tolerance) say(['own', name, 'margin'], 'is smaller than tolerance')
    if (from.module === undefined) {
      if (from.answer === undefined && from.matches === undefined)
        say(
          ['own', name, kind],
          'where does it come from? Give answer (a JSON path), matches (a regular expression) or module',
        )
      continue
    }
    if (from.answer !== undefined || from.matches !== undefined)
      say(['own', name, kind, 'module'], 'gets the whole answer: leave answer and matches out')
    files.push([['own', name, kind, 'module'], from.module])
  }
  for (const [path, file] of files)
    problems.push(...(await notThere([...here, ...path], resolve(directory, file), 'file')))
  return problems
}
