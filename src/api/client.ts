/** The typed way into the API, for the CLI and for programs. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { dataDirectory } from '../ipc/data-directory.ts'
import { isProblem, ProblemError } from '../ipc/problem.ts'
import type { CostView, Event, ReleaseView, ServiceView } from './shapes.ts'

export type ApiClient = ReturnType<typeof apiClient>

export type Reach = { url: string; token: string }

const limitMs = 15_000

/** @throws ProblemError: the API's own, or `unreachable` */
export function apiClient({ url, token }: Reach) {
  const get = <Answer>(path: string) => call<Answer>('GET', path)
  const post = <Answer>(path: string, body: unknown = {}) => call<Answer>('POST', path, body)
  const at = (target: string) =>
    /^r\d+$/.test(target) ? `/releases/${target}` : `/services/${encodeURIComponent(target)}`

  return {
    services: async () => (await get<{ services: ServiceView[] }>('/services')).services,
    service: (name: string) => get<ServiceView>(`/services/${encodeURIComponent(name)}`),
    release: (id: string) => get<ReleaseView>(`/releases/${encodeURIComponent(id)}`),
    history: async (name: string) =>
      (await get<{ releases: ReleaseView[] }>(`/services/${encodeURIComponent(name)}/history`))
        .releases,
    events: async (after: number, service?: string) =>
      (
        await get<{ events: Event[] }>(
          `/events?after=${after}${service ? `&service=${encodeURIComponent(service)}` : ''}`,
        )
      ).events,
    cost: (name: string) => get<CostView>(`/services/${encodeURIComponent(name)}/cost`),
    deploy: (
      service: string,
      asked: { version: string; kind: 'deploy' | 'verify'; replace: boolean },
    ) => post<ReleaseView>(`/services/${encodeURIComponent(service)}/releases`, asked),
    command: (
      target: string,
      command: 'approve' | 'promote' | 'pause' | 'resume' | 'abort' | 'retry',
      asked: { reason?: string | undefined; gate?: string | undefined } = {},
    ) => post<ReleaseView>(`${at(target)}/${command}`, asked),
    rollback: (
      target: string,
      asked: { reason?: string | undefined; to?: string | undefined } = {},
    ) => post<ReleaseView>(`${at(target)}/rollback`, asked),
  }

  async function call<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(limitMs),
    }).catch((cause: unknown) => {
      throw new ProblemError(
        {
          status: 503,
          code: 'unreachable',
          title: `nobody answers at ${url}`,
          hint: 'start Beryl with `beryl up`',
        },
        { cause },
      )
    })
    const answer: unknown = await response.json().catch(() => null)
    if (response.ok) return answer as Answer
    if (isProblem(answer)) throw new ProblemError(answer)
    throw new ProblemError({
      status: response.status,
      code: 'unexpected',
      title: `${method} ${path} answered ${response.status} with something that is no problem document`,
      hint: `is ${url} the API of Beryl?`,
    })
  }
}

export type ReachOptions = {
  api?: string | undefined
  data?: string | undefined
  file?: string | undefined
}

/** Where the API is and which token opens it. @throws ProblemError `not-running` */
export function reach({ api, data, file }: ReachOptions): Reach {
  const directory = dataDirectory(whereData({ data, file }))
  const url = api ?? process.env['BERYL_API'] ?? runningUrl(directory.running, directory.root)
  const token = process.env['BERYL_TOKEN'] ?? readToken(directory.adminToken)
  return { url: url.replace(/\/$/, ''), token }
}

/** `--data`, BERYL_DATA, or `.beryl` beside the manifest (the working directory, when none is named). */
export function whereData({ data, file }: ReachOptions): string {
  return (
    data ??
    process.env['BERYL_DATA'] ??
    join(file === undefined ? '.' : dirname(resolve(file)), '.beryl')
  )
}

function runningUrl(file: string, directory: string): string {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { url: string }).url
  } catch (cause) {
    throw new ProblemError(
      {
        status: 503,
        code: 'not-running',
        title: `no Beryl runs on ${directory}`,
        hint: 'start one with `beryl up`, or say where it is with --api URL or --data DIR',
      },
      { cause },
    )
  }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
