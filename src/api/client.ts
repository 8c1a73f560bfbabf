/** The typed way into the API, for the CLI and for programs. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { dataDirectory } from '../ipc/data-directory.ts'
import { isProblem, ProblemError } from '../ipc/problem.ts'
import type { z } from 'zod'
import type { versionBody } from './bodies.ts'
import type { Role } from './rights.ts'
import type {
  ApplyView,
  AliasesView,
  CapturedPage,
  CaptureView,
  CostView,
  DiffView,
  Event,
  FreezeView,
  NewTokenView,
  NotificationsView,
  OpenView,
  PlanView,
  RecordView,
  ReleaseView,
  RemovedVersion,
  ServiceView,
  TokenView,
  VersionsView,
  VersionView,
} from './shapes.ts'

export type ApiClient = ReturnType<typeof apiClient>

/** What `addVersion` takes. */
export type AddVersion = z.input<typeof versionBody>

export type Reach = { url: string; token: string }

const limitMs = 15_000
/** Weights are read whole when a version is registered. */
const readMs = 600_000
const pageMax = 200

/** @throws ProblemError: the API's own, or `unreachable` */
export function apiClient({ url, token }: Reach) {
  const get = <Answer>(path: string) => call<Answer>('GET', path)
  const post = <Answer>(path: string, body: unknown = {}) => call<Answer>('POST', path, body)
  const at = (target: string) =>
    /^r\d+$/.test(target) ? `/releases/${target}` : `/services/${encodeURIComponent(target)}`

  const freezeOf = (service: string | undefined) =>
    service === undefined ? '/freeze' : `/services/${encodeURIComponent(service)}/freeze`

  return {
    services: () => pages<ServiceView>('/services', 'services'),
    service: (name: string) => get<ServiceView>(`/services/${encodeURIComponent(name)}`),
    open: (name: string) => get<OpenView>(`/services/${encodeURIComponent(name)}/open`),
    release: (id: string) => get<ReleaseView>(`/releases/${encodeURIComponent(id)}`),
    /** Newest first. */
    history: async (name: string, limit = 50) =>
      (
        await get<{ releases: ReleaseView[] }>(
          `/services/${encodeURIComponent(name)}/history?limit=${limit}`,
        )
      ).releases,
    /** Oldest first. */
    events: async (after: number, service?: string, limit = 200) =>
      (
        await get<{ events: Event[] }>(
          `/events?after=${after}&limit=${limit}${service ? `&service=${encodeURIComponent(service)}` : ''}`,
        )
      ).events,
    cost: (name: string) => get<CostView>(`/services/${encodeURIComponent(name)}/cost`),
    apply: (manifest: string, dryRun: boolean) => post<ApplyView>('/apply', { manifest, dryRun }),
    versions: async (name: string): Promise<VersionsView> => ({
      service: name,
      versions: await pages(`/services/${encodeURIComponent(name)}/versions`, 'versions'),
    }),
    version: (name: string, version: string) =>
      get<VersionView>(
        `/services/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`,
      ),
    addVersion: (name: string, asked: AddVersion) =>
      call<VersionView>('POST', `/services/${encodeURIComponent(name)}/versions`, asked, readMs),
    removeVersion: (name: string, version: string) =>
      call<RemovedVersion>(
        'DELETE',
        `/services/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}`,
      ),
    diff: (name: string, from: string, to: string) =>
      get<DiffView>(
        `/services/${encodeURIComponent(name)}/versions/${encodeURIComponent(from)}/diff/${encodeURIComponent(to)}`,
      ),
    aliases: (name: string) => get<AliasesView>(`/services/${encodeURIComponent(name)}/aliases`),
    /** @param alias without `@` */
    setAlias: (
      name: string,
      alias: string,
      asked: { version: string; reason?: string | undefined },
    ) =>
      call<AliasesView>(
        'PUT',
        `/services/${encodeURIComponent(name)}/aliases/${encodeURIComponent(alias)}`,
        asked,
      ),
    removeAlias: (name: string, alias: string, reason?: string) =>
      call<AliasesView>(
        'DELETE',
        `/services/${encodeURIComponent(name)}/aliases/${encodeURIComponent(alias)}`,
        { reason },
      ),
    report: (id: string) =>
      get<{ release: ReleaseView; events: readonly Event[] }>(
        `/releases/${encodeURIComponent(id)}/report`,
      ),
    capture: (name: string) => get<CaptureView>(`/services/${encodeURIComponent(name)}/capture`),
    capturePage: (name: string, after: string | null) =>
      get<CapturedPage>(
        `/services/${encodeURIComponent(name)}/capture/records${after === null ? '' : `?after=${encodeURIComponent(after)}`}`,
      ),
    importCapture: (name: string, records: readonly unknown[]) =>
      post<{ records: number }>(`/services/${encodeURIComponent(name)}/capture/records`, {
        records,
      }),
    purgeCapture: (name: string) =>
      call<{ records: number }>('DELETE', `/services/${encodeURIComponent(name)}/capture`),
    tokens: () => pages<TokenView>('/tokens', 'tokens'),
    createToken: (asked: { name: string; role: Role; expiresInS?: number | undefined }) =>
      post<NewTokenView>('/tokens', asked),
    revokeToken: (name: string) => call<TokenView>('DELETE', `/tokens/${encodeURIComponent(name)}`),
    plan: (name: string, version: string, find?: number) =>
      get<PlanView>(
        `/services/${encodeURIComponent(name)}/plan/${encodeURIComponent(version)}${find === undefined ? '' : `?find=${find}`}`,
      ),
    deploy: (
      service: string,
      asked: {
        version: string
        kind: 'deploy' | 'verify'
        replace: boolean
        keepStandby: boolean
      },
    ) => post<ReleaseView>(`/services/${encodeURIComponent(service)}/releases`, asked),
    command: (
      target: string,
      command: 'approve' | 'promote' | 'pause' | 'resume' | 'abort' | 'retry',
      asked: { reason?: string | undefined; gate?: string | undefined } = {},
    ) => post<ReleaseView>(`${at(target)}/${command}`, asked),
    record: () => get<RecordView>('/record'),
    /** Bytes as they come; whoever reads them checks that all came. */
    backup: async (): Promise<{ bytes: number; body: ReadableStream<Uint8Array> }> => {
      const response = await ask('GET', '/backup')
      if (!response.ok || response.body === null) throw await refusalOf(response, 'GET', '/backup')
      return { bytes: Number(response.headers.get('content-length')), body: response.body }
    },
    notifications: () => get<NotificationsView>('/notifications'),
    retryNotifications: () => post<{ retried: number }>('/notifications/retry'),
    freezes: () => pages<FreezeView>('/freezes', 'freezes'),
    /** @param service undefined: everything */
    freeze: (
      service: string | undefined,
      asked: { reason?: string | undefined; forS?: number | undefined },
    ) => post<FreezeView>(freezeOf(service), asked),
    unfreeze: (service: string | undefined) => call<FreezeView>('DELETE', freezeOf(service)),
    rollback: (
      target: string,
      asked: {
        reason?: string | undefined
        to?: string | undefined
        hard?: boolean | undefined
      } = {},
    ) => post<ReleaseView>(`${at(target)}/rollback`, asked),
  }

  /** All of a list, whatever its length. */
  async function pages<Item>(path: string, name: string): Promise<Item[]> {
    const all: Item[] = []
    for (let after: string | null = null; ;) {
      const query = after === null ? '' : `&after=${encodeURIComponent(after)}`
      const page: Record<string, unknown> = await get(`${path}?limit=${pageMax}${query}`)
      all.push(...(page[name] as Item[]))
      if (page['next'] == null) return all
      after = page['next'] as string
    }
  }

  async function call<Answer>(
    method: string,
    path: string,
    body?: unknown,
    withinMs = limitMs,
  ): Promise<Answer> {
    const response = await ask(method, path, body, withinMs)
    if (!response.ok) throw await refusalOf(response, method, path)
    const answer: unknown = await response.json().catch(() => null)
    if (typeof answer === 'object' && answer !== null) return answer as Answer
    throw notBeryl(response.status, method, path)
  }

  function ask(method: string, path: string, body?: unknown, withinMs?: number): Promise<Response> {
    return fetch(`${url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(withinMs === undefined ? {} : { signal: AbortSignal.timeout(withinMs) }),
    }).catch((cause: unknown) => {
      throw new ProblemError(
        {
          status: 503,
          code: 'unreachable',
          title: `nobody answers at ${url}${whyNot(cause, withinMs ?? limitMs)}`,
          hint: 'is `beryl up` running there? Model servers and traffic go on without the API',
        },
        { cause },
      )
    })
  }

  async function refusalOf(response: Response, method: string, path: string): Promise<Error> {
    const answer: unknown = await response.json().catch(() => null)
    return isProblem(answer) ? new ProblemError(answer) : notBeryl(response.status, method, path)
  }

  function notBeryl(status: number, method: string, path: string): ProblemError {
    return new ProblemError({
      status,
      code: 'unexpected',
      title: `${method} ${url}/api/v1${path} answered ${status} with something that does not come from Beryl`,
      hint: `is ${url} the API of Beryl?`,
    })
  }
}

function whyNot(cause: unknown, withinMs: number): string {
  if ((cause as Error).name === 'TimeoutError') return ` within ${withinMs / 1000} s`
  const { code } = ((cause as Error).cause ?? {}) as NodeJS.ErrnoException
  return code === undefined ? '' : ` (${code})`
}

export type ReachOptions = {
  api?: string | undefined
  data?: string | undefined
  file?: string | undefined
}

/** Where the API is and which token opens it. @throws ProblemError `not-running` */
export function reach({ api, data, file }: ReachOptions): Reach {
  const directory = dataDirectory(whereData({ data, file }))
  const asked = api ?? process.env['BERYL_API']
  const url =
    asked === undefined ? runningUrl(directory.running, directory.root) : checkedUrl(asked)
  const ownToken = process.env['BERYL_TOKEN']
  if (ownToken !== undefined) return { url, token: ownToken }
  // The token in a data directory opens the Beryl of that directory: no other address gets to see it, unless told to.
  const isNamed = data !== undefined || process.env['BERYL_DATA'] !== undefined
  const isItsOwn = asked === undefined || isNamed || url === urlIn(directory.running)
  return { url, token: isItsOwn ? readToken(directory.adminToken) : '' }
}

/** @throws ProblemError `usage` */
function checkedUrl(text: string): string {
  if (/^https?:\/\/[^\s/?#]+\/?$/.test(text) && URL.canParse(text)) return text.replace(/\/$/, '')
  throw new ProblemError({
    status: 400,
    code: 'usage',
    title: `the API's address: expected a URL such as http://127.0.0.1:8090, came ${JSON.stringify(text)}`,
    hint: 'give it with --api or BERYL_API; without either it is found through the data directory',
  })
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
  const url = urlIn(file)
  if (url !== null) return url
  throw new ProblemError({
    status: 503,
    code: 'not-running',
    title: `no Beryl runs on ${directory}`,
    hint: 'start one with `beryl up`, or say where it is with --api URL or --data DIR',
  })
}

function urlIn(file: string): string | null {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { url: string }).url
  } catch {
    return null
  }
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}
