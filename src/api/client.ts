/** The typed way into the API, for the CLI and for programs. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { dataDirectory } from '../ipc/data-directory.ts'
import { ProblemError } from '../ipc/problem.ts'
import { callsTo } from './call.ts'
import type { Reach } from './call.ts'
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

/** Weights are read whole when a version is registered. */
const readMs = 600_000

/** @throws ProblemError: the API's own, or `unreachable` */
export function apiClient(reached: Reach) {
  const { call, pages, whole, send, refusalOf } = callsTo(reached)
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
    /** Newest first, to the first one. */
    wholeHistory: (name: string) =>
      pages<ReleaseView>(`/services/${encodeURIComponent(name)}/history`, 'releases'),
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
    apply: (manifest: string, asked: { dryRun: boolean; remove: boolean }) =>
      post<ApplyView>('/apply', { manifest, ...asked }),
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
    /** With the whole history. */
    aliases: (name: string) =>
      whole<AliasesView, 'history'>(`/services/${encodeURIComponent(name)}/aliases`, 'history'),
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
    /** With the whole record. */
    report: (id: string) =>
      whole<{ release: ReleaseView; events: readonly Event[]; next: string | null }, 'events'>(
        `/releases/${encodeURIComponent(id)}/report`,
        'events',
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
    plan: (name: string, version: string, asked: Readonly<Record<string, string>> = {}) =>
      get<PlanView>(
        `/services/${encodeURIComponent(name)}/plan/${encodeURIComponent(version)}${queryOf(asked)}`,
      ),
    deploy: (
      service: string,
      asked: {
        version: string
        kind: 'deploy' | 'verify'
        replace: boolean
        keepStandby: boolean
        replicas?: number | undefined
      },
    ) => post<ReleaseView>(`/services/${encodeURIComponent(service)}/releases`, asked),
    command: (
      target: string,
      command: 'approve' | 'promote' | 'pause' | 'resume' | 'abort' | 'retry',
      asked: { reason?: string | undefined; gate?: string | undefined } = {},
    ) => post<ReleaseView>(`${at(target)}/${command}`, asked),
    record: () => get<RecordView>('/record'),
    /** Bytes as they come; whoever reads them checks that all came. */
    backup: async (): Promise<{ bytes: number; body: AsyncIterable<Uint8Array> }> => {
      const response = await send('GET', '/backup')
      if (!response.ok) throw await refusalOf(response, 'GET', '/backup')
      return { bytes: Number(response.header('content-length')), body: response.body }
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
}

export type ReachOptions = {
  api?: string | undefined
  /** A file of certificates to trust. */
  ca?: string | undefined
  data?: string | undefined
  file?: string | undefined
}

/** Where the API is, which token opens it, and whom to trust. @throws ProblemError `not-running` */
export function reach({ api, ca, data, file }: ReachOptions): Reach {
  const directory = dataDirectory(whereData({ data, file }))
  const asked = api ?? process.env['BERYL_API']
  const own = runningIn(directory.running)
  if (asked === undefined && own === null) throw notRunning(directory.root)
  const url = asked === undefined ? own!.url : checkedUrl(asked)
  // What `up` wrote down, where only its user may write: the very certificate that this Beryl shows.
  const trusted = ca ?? process.env['BERYL_CA'] ?? (url === own?.url ? own.cert : undefined)
  const ownToken = process.env['BERYL_TOKEN']
  if (ownToken !== undefined) return { url, token: ownToken, ca: trusted }
  // The token in a data directory opens the Beryl of that directory: no other address gets to see it, unless told to.
  const isNamed = data !== undefined || process.env['BERYL_DATA'] !== undefined
  const isItsOwn = asked === undefined || isNamed || url === own?.url
  return { url, token: isItsOwn ? readToken(directory.adminToken) : '', ca: trusted }
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

function notRunning(directory: string): ProblemError {
  return new ProblemError({
    status: 503,
    code: 'not-running',
    title: `no Beryl runs on ${directory}`,
    hint: 'start one with `beryl up`, or say where it is with --api URL or --data DIR',
  })
}

function runningIn(file: string): { url: string; cert?: string } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { url: string; cert?: string }
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

function queryOf(asked: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(asked).toString()
  return query === '' ? '' : `?${query}`
}
