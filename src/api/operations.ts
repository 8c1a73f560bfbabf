/** What the API can ask of Beryl. The controller implements it; handlers know nothing else. */
import type { Readable } from 'node:stream'
import type { Command } from '../release/release-can.ts'
import type { CurvesView } from './curves-shape.ts'
import type { Role } from './rights.ts'
import type { AddAsked, RemovedVersion } from './version-shapes.ts'
import type {
  ApplyView,
  AliasesView,
  CaptureView,
  CostView,
  CapturedPage,
  Event,
  DiffView,
  FeedbackAsked,
  FeedbackView,
  FreezeView,
  NewTokenView,
  NotificationsView,
  OpenView,
  PlanView,
  RecordView,
  ReleaseView,
  ServiceView,
  TokenView,
  VersionsView,
  VersionView,
} from './shapes.ts'

export type Operations = {
  /** Of all services, in order. */
  names(): string[]
  service(name: string): ServiceView
  /** What is in flight now, oldest first. */
  open(name: string): Promise<OpenView>
  /** For Prometheus, as text. */
  metrics(format: 'text' | 'openmetrics'): Promise<string>
  release(id: string): ReleaseView
  /** What was seen over time: of a service its last 40 minutes, of a release all of it. */
  curves: { ofService(name: string): CurvesView; ofRelease(id: string): CurvesView }
  /** Newest first. @param after older than this one; null: from the newest on */
  releases(service: string, limit: number, after: string | null): ReleaseView[]
  events(after: number, service: string | null, limit: number): Event[]
  /** Of the record of a release, oldest first, with ids above `after`. */
  eventsOf(release: string, after: number, limit: number): Event[]
  cost(service: string): CostView
  /** @throws ProblemError `no-regression` when `find` is not above what is live */
  plan(service: string, version: string, asked: PlanAsked): Promise<PlanView>
  deploy(
    service: string,
    asked: {
      version: string
      kind: 'deploy' | 'verify' | 'rollback'
      replace: boolean
      keepStandby: boolean
      /** With verify: fewer than live has. */
      replicas?: number | null | undefined
    },
    by: string,
  ): Promise<ReleaseView>
  /** `target` is a release id or a service name. */
  command(
    target: string,
    command: Exclude<Command, 'retry' | 'rollback'>,
    asked: Asked,
    by: string,
  ): Promise<ReleaseView>
  rollback(
    target: string,
    asked: Asked & { to: string | null; hard: boolean },
    by: string,
  ): Promise<ReleaseView>
  retry(target: string, by: string): Promise<ReleaseView>
  /** @throws ProblemError `manifest`, `refused-changes`: then nothing has changed */
  apply(asked: { text: string; dryRun: boolean; remove: boolean }, by: string): Promise<ApplyView>
  /** @throws ProblemError for an id that this Beryl did not sign */
  feedback(asked: FeedbackAsked, by: string): FeedbackView
  /** `target` null: everything. */
  freezes: {
    all(): FreezeView[]
    /** @throws ProblemError `needs-reason` */
    freeze(target: string | null, asked: FreezeAsked, by: string): FreezeView
    /** @returns what was lifted @throws ProblemError `not-frozen` */
    unfreeze(target: string | null, by: string): FreezeView
  }
  notifications: {
    view(): NotificationsView
    /** What was given up, and what waits, is sent now. */
    retry(by: string): { retried: number }
  }
  capture: {
    state(service: string): Promise<CaptureView>
    /** @param after `next` of the page before; null: from the oldest on, which stands in the record */
    page(service: string, after: string | null, by: string): Promise<CapturedPage>
    /** All of them or none. */
    import(service: string, records: readonly unknown[], by: string): Promise<{ records: number }>
    purge(service: string, by: string): Promise<{ records: number }>
  }
  tokens: {
    list(): TokenView[]
    /** @throws ProblemError `name-taken`, `reserved-name`, `too-many-tokens` */
    create(asked: { name: string; role: Role; expiresInS: number | null }, by: string): NewTokenView
    /** From now on; sessions that it opened end with it. @throws ProblemError `no-such-token` */
    revoke(name: string, by: string): TokenView
  }
  /** A version may be named by an alias: `@champion`. */
  versions: {
    list: (service: string) => VersionsView
    show: (service: string, version: string) => Promise<VersionView>
    diff: (service: string, from: string, to: string) => Promise<DiffView>
    /** Of their history: the newest changes with ids below `before`. */
    aliases: (service: string, before: number, limit: number) => AliasesView
    /** @param name without `@` */
    alias: (
      service: string,
      name: string,
      asked: { version: string; reason: string | null },
      by: string,
    ) => Promise<AliasesView>
    /** The same again changes nothing. @throws ProblemError `wrong-version`, `digest-changed`, `unreadable`, `mlflow`: then nothing is registered */
    add: (service: string, asked: AddAsked, by: string) => Promise<VersionView>
    /** From the registry; its files stay. @throws ProblemError `version-in-use` */
    remove: (service: string, version: string, by: string) => RemovedVersion
    removeAlias: (service: string, name: string, reason: string | null, by: string) => AliasesView
  }
  record: {
    view(): RecordView
    /** A copy of all that is kept, as of now: an SQLite database. @throws ProblemError `backup-under-way`, `no-room` */
    backUp(by: string): Promise<{ bytes: number; stream: Readable }>
  }
  /** Why this Beryl cannot do its work now; empty when it can. */
  notReady(): readonly string[]
}

/** `forS` null: until somebody lifts it. */
export type FreezeAsked = { reason: string | null; forS: number | null }

export type Asked = { reason: string | null; gate: string | null }

/** What is assumed; null: as it is. */
export type PlanAsked = {
  /** Share of errors of the regression that is asked about; null: the manifest's `minimumEffect` above today's. */
  find: number | null
  /** Times today's. */
  traffic: number | null
  /** GPU slots in all. */
  gpus: number | null
  /** For the whole time of the ladder. */
  standby: 'full' | 'replicas' | 'asleep' | 'shared' | 'gone' | null
}
