/**
 * A model version of MLflow, by its REST API: https://mlflow.org/docs/latest/api_reference/rest-api.html (`model-versions/get`,
 * `model-versions/get-download-uri`, `registered-models/alias`, `runs/get`). Seen with MLflow 3.17.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Where a version came from. */
export type MlflowSource = {
  /** Of the tracking server, without name and password. */
  url: string
  model: string
  version: string
  /** What was asked for, when that was an alias of MLflow's; it is a number from then on. */
  alias: string | null
  /** Where its files lie, as MLflow says. */
  artifacts: string
}

export type MlflowVersion = {
  source: MlflowSource
  /** That trained it. */
  run: string | null
  /** Of the run that trained it (tag `mlflow.source.git.commit`). */
  commit: string | null
  description: string | null
  /** What is passed to the command: its files where this machine has them, else `models:/NAME/NUMBER`. */
  place: string
}

export class MlflowError extends Error {
  override name = 'MlflowError'
  readonly isMissing: boolean
  constructor(
    message: string,
    { isMissing = false, cause }: { isMissing?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.isMissing = isMissing
  }
}

/** For one answer. */
const limitMs = 10_000
const answerMaxBytes = 1024 * 1024

const tag = z.object({ key: z.string(), value: z.string() })
const modelVersion = z.object({
  model_version: z.object({
    name: z.string().min(1),
    version: z.coerce.string().regex(/^[1-9]\d*$/),
    status: z.string().optional(),
    status_message: z.string().nullish(),
    run_id: z.string().nullish(),
    description: z.string().nullish(),
  }),
})
const downloadUri = z.object({ artifact_uri: z.string().min(1) })
const run = z.object({
  run: z.object({ data: z.object({ tags: z.array(tag).default([]) }).default({ tags: [] }) }),
})

export type Asking = { headers?: Readonly<Record<string, string>>; withinMs?: number }

/** `models:/NAME/NUMBER` or `models:/NAME@ALIAS`; null: neither. */
export function readModelUri(
  text: string,
): { model: string; version: string } | { model: string; alias: string } | null {
  const [, model, version, alias] =
    /^models:\/([^/@\s]+)(?:\/([1-9]\d*)|@([A-Za-z0-9_-]+))$/.exec(text) ?? []
  if (model === undefined) return null
  return version === undefined ? { model, alias: alias! } : { model, version }
}

/**
 * @param url of the tracking server, http or https
 * @param asking `headers` to sign in with; `withinMs` for each answer
 * @throws MlflowError for every answer that is not one
 */
export async function mlflowVersion(
  url: URL,
  asked: { model: string; version: string } | { model: string; alias: string },
  { headers = {}, withinMs = limitMs }: Asking = {},
): Promise<MlflowVersion> {
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  const get = <Shape extends z.ZodType>(
    path: string,
    query: Record<string, string>,
    shape: Shape,
  ) =>
    ask(
      `${base}/api/2.0/mlflow/${path}?${new URLSearchParams(query).toString()}`,
      { headers, withinMs },
      shape,
    )

  const { model } = asked
  const { model_version: found } =
    'alias' in asked
      ? await get('registered-models/alias', { name: model, alias: asked.alias }, modelVersion)
      : await get('model-versions/get', { name: model, version: asked.version }, modelVersion)
  const { version, status } = found
  if (found.name !== model || ('version' in asked && version !== asked.version))
    throw new MlflowError(
      `MLflow at ${base} was asked for ${named(asked)} and answered with version ${version} of ${found.name}`,
    )
  if (status !== undefined && status !== 'READY')
    throw new MlflowError(
      `version ${version} of ${model} is ${status} in MLflow at ${base}${found.status_message ? ` (${found.status_message})` : ''}: only READY ones are taken`,
    )
  const { artifact_uri: artifacts } = await get(
    'model-versions/get-download-uri',
    { name: model, version },
    downloadUri,
  )
  const runId = found.run_id || null
  // A run can be deleted while its model is kept.
  const tags =
    runId === null
      ? []
      : await get('runs/get', { run_id: runId }, run).then(
          ({ run: one }) => one.data.tags,
          noneWhereMissing,
        )
  return {
    source: {
      url: base,
      model,
      version,
      alias: 'alias' in asked ? asked.alias : null,
      artifacts,
    },
    run: runId,
    commit: tags.find(({ key }) => key === 'mlflow.source.git.commit')?.value ?? null,
    description: found.description || null,
    place: localPath(artifacts) ?? `models:/${model}/${version}`,
  }
}

function noneWhereMissing(error: unknown): [] {
  if (error instanceof MlflowError && error.isMissing) return []
  throw error
}

function named(
  asked: { model: string; version: string } | { model: string; alias: string },
): string {
  return 'alias' in asked
    ? `@${asked.alias} of ${asked.model}`
    : `version ${asked.version} of ${asked.model}`
}

/** Where this machine has the files; null: somebody else keeps them. */
function localPath(artifacts: string): string | null {
  const path = URL.canParse(artifacts) ? fileOf(new URL(artifacts)) : artifacts
  return path?.startsWith('/') && existsSync(path) ? path : null
}

function fileOf(url: URL): string | null {
  try {
    return fileURLToPath(url)
  } catch {
    return null
  }
}

async function ask<Shape extends z.ZodType>(
  address: string,
  { headers, withinMs }: Required<Asking>,
  shape: Shape,
): Promise<z.output<Shape>> {
  const at = address.replace(/\?.*/, '')
  let status: number
  let text: string
  try {
    const answer = await fetch(address, {
      headers: { accept: 'application/json', ...headers },
      // Who asks with a token asks one server.
      redirect: 'error',
      signal: AbortSignal.timeout(withinMs),
    })
    status = answer.status
    text = await textOf(answer)
  } catch (cause) {
    if (cause instanceof MlflowError) throw cause
    const { name, message } = cause as Error
    const why =
      name === 'TimeoutError'
        ? `nothing came within ${withinMs / 1000} s`
        : ((cause as { cause?: Error }).cause?.message ?? message)
    throw new MlflowError(`MLflow did not answer ${at}: ${why}`, { cause })
  }
  const value = jsonOf(text)
  if (status !== 200) {
    const { error_code: code = '', message = '' } = (value ?? {}) as {
      error_code?: string
      message?: string
    }
    // An alias that is not there is an INVALID_PARAMETER_VALUE of status 400.
    const isMissing =
      code === 'RESOURCE_DOES_NOT_EXIST' ||
      (code === 'INVALID_PARAMETER_VALUE' && /not found/i.test(message))
    const said = code === '' ? text.slice(0, 200).trim() || 'nothing' : `${code}: ${message}`
    throw new MlflowError(`MLflow answered ${at} with status ${status}: ${said}`, { isMissing })
  }
  const read = shape.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const what =
    value === undefined
      ? `no JSON (${JSON.stringify(text.slice(0, 80))})`
      : `something else: ${issue!.path.join('.')}: ${issue!.message}`
  throw new MlflowError(`expected an answer of MLflow at ${at}, came ${what}`)
}

async function textOf(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of answer.body ?? []) {
    size += piece.length
    if (size > answerMaxBytes)
      throw new MlflowError(`MLflow answered with more than ${answerMaxBytes} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
