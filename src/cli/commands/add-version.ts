/** `beryl versions SERVICE add NAME`: what was typed, as the API takes it. */
import { resolve } from 'node:path'
import type { AddVersion } from '../../api/client.ts'
import { isReference } from '../../config/reference.ts'
import { ProblemError } from '../../ipc/problem.ts'

export type AddOptions = {
  model?: string
  prompt?: string
  tokenizer?: string
  config?: string
  arg?: string[]
  env?: string[]
  expects?: string[]
  notes?: string
  commit?: string
  run?: string
  mlflow?: string
  mlflowUrl?: string
}

/** Paths are meant from where one stands, as everywhere in a shell. @throws ProblemError `usage` */
export function toAdd(service: string, name: string, options: AddOptions): AddVersion {
  const { arg = [], notes, commit, run, mlflow, mlflowUrl } = options
  const place = (key: 'model' | 'prompt' | 'tokenizer' | 'config') => {
    const given = options[key]
    if (given === undefined) return {}
    if (given === '') throw usage(service, `--${key} is empty`)
    return { [key]: isReference(given) ? given : resolve(given) }
  }
  if (mlflowUrl !== undefined && mlflow === undefined)
    throw usage(service, '--mlflow-url says where --mlflow is: give both')
  const expects = pairs(service, '--expects', options.expects).map(([gate, text]) => {
    const score = text.trim() === '' ? Number.NaN : Number(text)
    if (!Number.isFinite(score))
      throw usage(service, `--expects takes GATE=SCORE such as exact=0.94, came ${gate}=${text}`)
    return [gate, score] as const
  })
  return {
    name,
    ...place('model'),
    ...place('prompt'),
    ...place('tokenizer'),
    ...place('config'),
    args: arg,
    env: Object.fromEntries(pairs(service, '--env', options.env)),
    expects: Object.fromEntries(expects),
    ...(notes === undefined ? {} : { notes }),
    source: {
      ...(commit === undefined ? {} : { commit }),
      ...(run === undefined ? {} : { run }),
    },
    ...(mlflow === undefined
      ? {}
      : { mlflow: { model: mlflow, ...(mlflowUrl === undefined ? {} : { url: mlflowUrl }) } }),
  }
}

function pairs(service: string, option: string, given: readonly string[] = []): [string, string][] {
  return given.map((text) => {
    const at = text.indexOf('=')
    if (at < 1) throw usage(service, `${option} takes NAME=VALUE, came ${JSON.stringify(text)}`)
    return [text.slice(0, at), text.slice(at + 1)]
  })
}

function usage(service: string, title: string): ProblemError {
  const hint = `beryl versions ${service} add NAME --model PATH|REFERENCE, or --mlflow models:/NAME/NUMBER; beryl versions --help`
  return new ProblemError({ status: 400, code: 'usage', title, hint })
}
